import { BlockList, isIPv6 } from 'node:net'
import { parseNetwork } from '../config/names.ts'

/** Whether an address is in one of the networks; without any, all are. */
export function allowedBy(networks: readonly string[] | undefined): (address: string) => boolean {
  if (networks === undefined) return () => true
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network !== undefined) list.addSubnet(network.address, network.prefix, network.family)
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
