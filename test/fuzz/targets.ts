import type { MakeTarget } from './target.ts'

/** What is fuzzed by coverage, by name. Loaded when wanted: what others need would be in the coverage, too. */
export const targets = {
  framer: async () => (await import('./targets/framer.ts')).framerTarget(),
  head: async () => (await import('./targets/head.ts')).headTarget(),
  jid: async () => (await import('./targets/jid.ts')).jidTarget(),
  config: async () => (await import('./targets/config.ts')).configTarget(),
  proxy: async () => (await import('./targets/proxy.ts')).proxyTarget(),
  inbox: async () => (await import('./targets/inbox.ts')).inboxTarget(),
  admin: async () => (await import('./targets/admin.ts')).adminTarget(),
} as const satisfies { readonly [name: string]: MakeTarget }

export type TargetName = keyof typeof targets
export const targetNames = Object.keys(targets) as readonly TargetName[]

export function isTargetName(name: string): name is TargetName {
  return Object.hasOwn(targets, name)
}
