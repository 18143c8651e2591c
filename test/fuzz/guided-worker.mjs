// tsx is for a process's first thread: another one has to ask for it.
import { register } from 'tsx/esm/api'

register()
await import('./guided-thread.ts')
