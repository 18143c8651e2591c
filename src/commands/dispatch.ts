import { type ExitCode, exitCodes } from '../errors.ts'
import { check } from './check.ts'
import type { DemoIo } from './demo.ts'
import type { DemoInstanceIo } from './demo-instance.ts'
import type { ExplainIo } from './explain.ts'
import { type Given, readArguments } from './given.ts'
import { commandHelp, overview } from './help.ts'
import type { ImportIo } from './import.ts'
import type { RunIo } from './run.ts'
import type { SampleIo } from './sample.ts'
import type { SimulateIo } from './simulate.ts'
import type { CommandName } from './table.ts'

/** The process, as the commands see it. */
export interface Io extends RunIo, ExplainIo, SampleIo, SimulateIo, ImportIo, DemoIo, DemoInstanceIo {
  stderr(text: string): void
}

/** Does what the arguments ask for; resolves with the exit code. Rejects with a SwitchyardError. */
export async function dispatch(argv: readonly string[], io: Io): Promise<ExitCode> {
  const request = readArguments(argv)
  switch (request.kind) {
    case 'overview':
      io.stdout(overview())
      return exitCodes.done
    case 'version':
      io.stdout(`${io.version}\n`)
      return exitCodes.done
    case 'help':
      io.stdout(commandHelp(request.name))
      return exitCodes.done
    case 'command':
      return start(request.name, request.given, io)
  }
}

/** Each command is loaded when it is wanted: `check` in a deployment script should not wait for an HTTP server. */
async function start(name: CommandName, given: Given, io: Io): Promise<ExitCode> {
  const config = given.options.get('config') ?? 'switchyard.yaml'
  switch (name) {
    case 'check': {
      if (!given.options.has('cluster')) return check(config, io)
      const { checkCluster, redisStore } = await import('./check-cluster.ts')
      return checkCluster(config, io, redisStore(io))
    }
    case 'run': {
      const { run } = await import('./run.ts')
      await run(config, io)
      return exitCodes.done
    }
    case 'explain': {
      const { explain } = await import('./explain.ts')
      return explain(config, given, io)
    }
    case 'simulate': {
      const { simulateInput } = await import('./simulate.ts')
      return simulateInput(config, given, io)
    }
    case 'import': {
      const { importFile } = await import('./import.ts')
      return importFile(given.args[0] ?? '', io)
    }
    case 'sample': {
      const { sample } = await import('./sample.ts')
      return sample(config, given, io)
    }
    case 'demo': {
      const { demo } = await import('./demo.ts')
      return demo(given, io)
    }
    case 'demo-node': {
      const { run } = await import('./run.ts')
      const onSignals: RunIo['onSignals'] = (reload, stop) => {
        io.onSignals(reload, stop)
        io.parent.onGone(stop)
      }
      await run(config, { ...io, onSignals })
      return exitCodes.done
    }
    case 'demo-instance': {
      const { demoInstance } = await import('./demo-instance.ts')
      await demoInstance(io)
      return exitCodes.done
    }
    case 'completion': {
      const { completion } = await import('./completion.ts')
      io.stdout(completion(given.args[0] ?? ''))
      return exitCodes.done
    }
    case 'man': {
      const { manual } = await import('./manual.ts')
      io.stdout(manual(io.version))
      return exitCodes.done
    }
    case 'help':
      io.stdout(overview())
      return exitCodes.done
  }
}
