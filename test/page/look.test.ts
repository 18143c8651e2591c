import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, openPage, type Watched } from './browser.ts'
import { hidden, type PreparedRun, startPreparedRun } from './prepared-run.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe('the page of the prepared run', () => {
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

  test('it opens with the domain that needs attention, and says first what is the matter', async () => {
    await page.getByRole('button', { name: `bucket ${hidden.deadBucket} has no holder` }).waitFor()
    await page.getByRole('button', { name: `instance ${hidden.slowInstance} is slow` }).waitFor()
    await page.getByRole('button', { name: /blue gets \d+ % of the traffic/ }).waitFor()
    assert.equal(await page.locator('#domain-title').textContent(), hidden.domain)
    assert.match(await page.title(), /^\(1\) bot\.localhost/)
  })

  test('a dead bucket is striped, named, and listed by its number', async () => {
    const cell = page.getByRole('option', { name: `bucket ${hidden.deadBucket}: no holder` })
    assert.match((await cell.textContent()) ?? '', /4\s*no holder/)
    assert.match(await cell.evaluate((at) => getComputedStyle(at).backgroundImage), /repeating-linear-gradient/)
    assert.match((await page.locator('.deadline').textContent()) ?? '', /No holder: 1 bucket\s*4/)
    assert.equal(await page.locator('.strip [role=option]').count(), 6)
  })

  test('nodes, instances, curves, holds and bounces are there with what they are about', async () => {
    const node = page.locator('.node')
    assert.match((await node.textContent()) ?? '', /yard-1\s*senior\s*this node/)
    for (const word of ['load', 'memory', 'version', 'up for']) await node.getByText(word, { exact: true }).waitFor()
    const rows = page.locator('table.instances tbody tr')
    assert.equal(await rows.count(), 5)
    assert.match((await page.getByRole('row', { name: /coral/ }).textContent()) ?? '', /active.*slow [\d.]+ m?s/s)
    for (const title of ['Stanzas per second', 'Time to answer or confirm, by instance']) {
      await page.locator('figure', { hasText: title }).locator('canvas').first().waitFor()
    }
    // What was held for the dead bucket has expired by now, or will: 8 s.
    await page.getByRole('row', { name: /hold_expired/ }).waitFor()
    const [title] = await page.locator('dl.figures dt', { hasText: 'on hold' }).all()
    assert.ok(title)
  })

  test('the curves have lines, not only axes', async () => {
    const drawn = () =>
      page.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('#plot-traffic canvas')
        const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
        let coloured = 0
        for (let at = 0; at < pixels.length; at += 4) {
          const [red = 0, green = 0, blue = 0, alpha = 0] = pixels.slice(at, at + 4)
          if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) coloured++
        }
        return coloured
      })
    await page.waitForFunction(() => document.querySelectorAll('#keys-traffic span').length === 3)
    while ((await drawn()) < 100) await page.waitForResponse(/overview/)
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`[WCAG 2.2 AA] axe finds nothing against contrast, names and roles, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      assert.deepEqual(await violations(page), [])
      await page.getByRole('button', { name: 'Give token' }).click()
      assert.deepEqual(await violations(page), [])
      await page.keyboard.press('Escape')
    })
  }

  test('the choice of colours is kept, and overrules the system', async () => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    await page.emulateMedia({ colorScheme: 'light' })
    const light = await background()
    await page.getByRole('button', { name: /Colours: auto/ }).click()
    await page.getByRole('button', { name: /Colours: light/ }).click()
    await page.getByRole('button', { name: /Colours: dark/ }).waitFor()
    assert.notEqual(await background(), light)
    await page.reload()
    await page.locator('#domain-title').waitFor()
    assert.notEqual(await background(), light)
    await page.getByRole('button', { name: /Colours: dark/ }).click()
    assert.equal(await background(), light)
  })

  test('Tab reaches every link, button, field and what scrolls, each visibly, and none keeps the focus', async () => {
    const all = await page.evaluate(() => {
      const wanted = 'a[href], button:not(:disabled), input, select, summary, [tabindex="0"]'
      const found = [...document.querySelectorAll<HTMLElement>(wanted)].filter((at) => at.checkVisibility())
      for (const [number, at] of found.entries()) at.dataset.reach = String(number)
      return found.length
    })
    assert.ok(all > 25, `${all}`)
    const reached = new Set<string>()
    await page.evaluate(() => document.body.focus())
    for (let presses = 0; presses < all + 15; presses++) {
      await page.keyboard.press('Tab')
      const focused = await page.evaluate(() => {
        const at = document.activeElement as HTMLElement
        const { outlineStyle, outlineWidth } = getComputedStyle(at)
        return { reach: at.dataset.reach, name: at.outerHTML.slice(0, 90), outline: `${outlineStyle} ${outlineWidth}` }
      })
      if (focused.reach === undefined) continue
      assert.match(focused.outline, /^(solid|auto) [1-9]/, focused.name)
      reached.add(focused.reach)
    }
    const missed = await page.evaluate(
      (known) =>
        [...document.querySelectorAll<HTMLElement>('[data-reach]')]
          .filter((at) => at.isConnected && !known.includes(at.dataset.reach ?? ''))
          .map((at) => at.outerHTML.slice(0, 120)),
      [...reached],
    )
    assert.deepEqual(missed, [])
  })

  test('at 360 px nothing is wider than the screen, and axe finds nothing', async () => {
    await page.setViewportSize({ width: 360, height: 780 })
    await page.waitForFunction(() => !document.querySelector('details')?.open)
    const wide = await page.evaluate(() => ({
      page: document.documentElement.scrollWidth,
      parts: [...document.querySelectorAll('main *, aside *, header *')]
        .filter((at) => at.checkVisibility() && at.closest('.scroll, svg, .visually-hidden, .uplot') === null)
        .filter((at) => at.getBoundingClientRect().right > 361)
        .map((at) => at.outerHTML.slice(0, 100)),
    }))
    assert.deepEqual(wide, { page: 360, parts: [] })
    assert.deepEqual(await violations(page), [])
    // The domains fold away, and come out.
    await page.locator('summary').click()
    await page.getByRole('link', { name: /muc\.localhost/ }).click()
    await page.locator('#domain-title', { hasText: 'muc.localhost' }).waitFor()
    await page.setViewportSize({ width: 1280, height: 900 })
  })

  test('all that was done made no error in the console and no request to anywhere else', () => {
    assert.deepEqual([...watched.errors, ...watched.refusals], [])
    assert.deepEqual(watched.strangers, [])
  })
})

/** What axe has against the page as it is, by rule and place. */
async function violations(page: Page): Promise<readonly string[]> {
  // By the debugging protocol, which the page's own policy does not concern.
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run({
      runOnly: { type: 'tag', values: tags },
    })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
}

interface Axe {
  run(options: object): Promise<{
    readonly violations: readonly {
      readonly id: string
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
    }[]
  }>
}
