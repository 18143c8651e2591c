import { startProsody } from '../peers/prosody.ts'
import { acceptance } from './acceptance.ts'

acceptance('Prosody', startProsody)
