import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, openPage, type Watched } from './browser.ts'
import { hidden, type PreparedRun, preparedYaml, startPreparedRun, token } from './prepared-run.ts'
import { Worker } from './worker.ts'

describe('what the page does', () => {
  let run: PreparedRun
  let browser: Browser
  let watched: Watched
  let page: Page

  before(async () => {
    ;[run, browser] = await Promise.all([startPreparedRun(), openBrowser()])
    watched = await openPage(browser, run.url)
    page = watched.page
  })
  after(async () => {
    await watched?.close()
    await browser?.close()
    await run?.stop()
  })

  const toast = (text: string | RegExp) => page.locator('.toast', { hasText: text }).waitFor()
  const focused = () =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id ?? 'nothing')
  const dialog = () => page.getByRole('dialog')
  const bucket = (number: number, holder: string) =>
    page.getByRole('option', { name: `bucket ${number}: ${holder}`, exact: true }).waitFor()

  test('an instance that dies is gone at once, its bucket dead, and it is back when it comes back', async () => {
    await bucket(5, 'fern')
    await run.instances.get('fern')?.kill()
    await bucket(5, 'no holder')
    await page.getByRole('button', { name: /2 of 6 buckets have no holder: 4, 5/ }).waitFor()
    await page.locator('.events li', { hasText: 'instance left' }).waitFor()
    assert.match((await page.locator('#status').textContent()) ?? '', /2 of 6 buckets have no holder/)
    const again = { port: run.node.port, domain: hidden.domain, secret: 'fern' }
    ;(run.instances as Map<string, Worker>).set('fern', await Worker.start(again))
    await bucket(5, 'fern')
  })

  test('where a stanza would go is told with key, bucket, instance and why; what is no address is refused', async () => {
    await page.getByLabel('From').fill(`${hidden.hotKey}/any`)
    await page.getByLabel('To', { exact: true }).fill('log@bot.localhost')
    await page.getByRole('button', { name: 'Explain' }).click()
    const told = page.locator('#explained')
    await told.getByText('deliver').waitFor()
    const text = (await told.textContent()) ?? ''
    for (const part of ['blue', 'bare_source', hidden.hotKey, 'yard-1']) assert.ok(text.includes(part), text)
    // Of keys for the bucket without a holder it is told what becomes of them.
    for (let user = 0; !/bucket4/.test((await told.textContent()) ?? ''); user++) {
      await page.getByLabel('From').fill(`person-${user}@users.localhost`)
      const answered = page.waitForResponse(/explain/)
      await page.getByRole('button', { name: 'Explain' }).click()
      await answered
      await told.getByText(`person-${user}@users.localhost`, { exact: true }).first().waitFor()
    }
    await told.locator('.verdict.is-warn', { hasText: 'no holder: held up to 8 s, then bounced' }).waitFor()
    await page.getByLabel('From').fill('@@')
    await page.getByRole('button', { name: 'Explain' }).click()
    await told.getByText(/no JID/).waitFor()
  })

  test('an action asks for the token; a wrong one is refused and asked for again; nothing is done', async () => {
    await page.getByRole('button', { name: 'Kick amber' }).click()
    await dialog().getByRole('button', { name: 'Kick' }).click()
    await dialog().getByLabel('Token').fill('guessed')
    await dialog().getByRole('button', { name: 'Use token' }).click()
    await dialog()
      .getByText(/That token is wrong/)
      .waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('Read-only').waitFor()
    await bucket(0, 'amber')
    assert.ok(watched.refusals.some((refusal) => refusal.includes('status of 401')))
  })

  test('with the keyboard alone: the token is given, and an instance is drained', async () => {
    const reach = async (name: RegExp) => {
      for (let presses = 0; presses < 120; presses++) {
        await page.keyboard.press('Tab')
        const label = await page.evaluate(() => {
          const at = document.activeElement
          return at?.getAttribute('aria-label') ?? at?.textContent?.trim() ?? ''
        })
        if (name.test(label)) return
      }
      assert.fail(`Tab does not reach ${name}`)
    }
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await reach(/^Drain denim$/)
    await page.keyboard.press('Enter')
    await dialog().getByRole('heading', { name: 'Drain denim?' }).waitFor()
    // There is no spare; and Enter, pressed once too often, ends nobody.
    await dialog()
      .getByText(/There is no spare: bucket 3 .*will have no holder .* held up to 8 s, then bounced/)
      .waitFor()
    await page.keyboard.press('Enter')
    await dialog().waitFor({ state: 'hidden' })
    assert.equal(await focused(), 'Drain denim')
    await page.keyboard.press('Enter')
    await dialog().getByRole('heading', { name: 'Drain denim?' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await dialog().getByLabel('Token').waitFor()
    await page.keyboard.type(token)
    await page.keyboard.press('Enter')
    await toast('denim is being drained')
    await bucket(3, 'no holder')
    await toast('denim was drained and closed. It is back when its process connects again.')
    // Its row is gone: who goes on with the keyboard is at the table.
    await page.getByRole('rowheader', { name: 'denim' }).waitFor({ state: 'detached' })
    assert.equal(await focused(), 'instances')
    const kept = await page.evaluate(() => [Object.values(sessionStorage), Object.values(localStorage)])
    assert.deepEqual(kept, [[token], []])
  })

  test('the strip of buckets is read with the arrow keys, and Enter finds the holder', async () => {
    await page.locator('.strip').focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await page.locator('.readout', { hasText: 'Bucket 1: blue' }).waitFor()
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelectorAll('table.instances tbody tr').length === 1)
    await page.getByLabel('Filter instances').fill('')
  })

  test('a drain that lasts is ended by enable', async () => {
    // It owes an answer for as long as it is busy, so that its drain takes all the time that the configuration gives.
    await run.node.reload(preparedYaml(0).replace('drain: {seconds: 1}', 'drain: {seconds: 60}'))
    await run.node.log.waitFor('config-reloaded')
    await page.getByRole('button', { name: `Drain ${hidden.slowInstance}` }).click()
    await dialog().getByRole('button', { name: 'Drain' }).click()
    await page.getByRole('button', { name: `Enable ${hidden.slowInstance}` }).click()
    await toast(`${hidden.slowInstance} takes stanzas again`)
    await bucket(2, hidden.slowInstance)
  })

  test('a kicked instance is gone', async () => {
    await page.getByRole('button', { name: 'Kick amber' }).click()
    await dialog().getByRole('button', { name: 'Kick' }).click()
    await toast('amber was disconnected')
    await bucket(0, 'no holder')
  })

  test('a reload that is refused shows each problem with its place; one that is not is said', async () => {
    run.node.write(preparedYaml(0).replace('component_number: 6', 'component_number: six'))
    await page.getByRole('button', { name: 'Reload config' }).click()
    await dialog().getByText('The new configuration was refused').waitFor()
    assert.match(
      (await dialog().locator('li').first().textContent()) ?? '',
      /switchyard\.yaml:\d+:\d+ .*component_number/,
    )
    await dialog().getByRole('button', { name: 'Close' }).click()
    run.node.write(preparedYaml(0))
    await page.getByRole('button', { name: 'Reload config' }).click()
    await toast('The configuration was read anew by yard-1')
  })

  test('what is in quarantine is shown and forgotten', async () => {
    const dying = /poison/
    await page.getByRole('link', { name: /muc\.localhost/ }).click()
    await page.locator('#domain-title', { hasText: 'muc.localhost' }).waitFor()
    assert.equal(await focused(), 'domain')
    const muc = [...run.instances].filter(([name]) => name.startsWith('muc-')).map(([, worker]) => worker)
    for (const worker of muc) worker.diesOf = dying
    muc[0]?.send(`<message from='x@muc.localhost' to='room@muc.localhost' id='1'><body>poison</body></message>`)
    await page.getByRole('button', { name: /1 stanza in quarantine/ }).click()
    await page.getByRole('button', { name: 'Show stanzas' }).click()
    await page.locator('pre', { hasText: 'poison' }).waitFor()
    await page.getByRole('button', { name: 'Forget all' }).click()
    await dialog().getByRole('button', { name: 'Forget all' }).click()
    await toast('The quarantine is empty')
    await page.getByText('Nothing is in quarantine.').waitFor()
  })

  test('to drain a node is asked for first, and may be given up; the token can be forgotten', async () => {
    await page.getByRole('button', { name: 'Drain node yard-1' }).click()
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    await page.locator('.pill', { hasText: 'live' }).waitFor()
    await page.getByRole('button', { name: 'Forget token' }).click()
    await page.getByText('Read-only').waitFor()
  })

  test('nothing else was an error in the console, and nothing was asked of anybody else', () => {
    assert.deepEqual(watched.errors, [])
    assert.deepEqual(watched.strangers, [])
  })
})
