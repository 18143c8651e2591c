import { startEjabberd } from '../peers/ejabberd.ts'
import { acceptance } from './acceptance.ts'

acceptance('ejabberd', startEjabberd)
