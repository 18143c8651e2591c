/** Fails for inputs that begin with `SWY!`, and is slow for those that begin with `SL0W`: which nobody guesses who does not see the way there. */
export function planted(input: Buffer): string {
  if (input[0] === 0x53) {
    if (input[1] === 0x57) {
      if (input[2] === 0x59) {
        if (input[3] === 0x21) throw new Error('planted')
      }
    }
    if (input[1] === 0x4c) {
      if (input[2] === 0x30) {
        if (input[3] === 0x57) spin()
      }
    }
  }
  return ''
}

/** Of the process's own time, however much of it others have. */
function spin(): void {
  const before = process.cpuUsage()
  while (process.cpuUsage(before).user < 150_000);
}
