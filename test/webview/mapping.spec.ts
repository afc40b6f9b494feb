// The mapping explorer's page alone: what it draws, what it answers, what a person can do with the mouse, with the
// keyboard, by ear.
import { findings } from './axe.ts'
import type { Page } from '@playwright/test'
import type { FromPage, Subject } from '../../compiler-core/view/explorer.ts'
import { laneOf, paletteOf, unpack, warpOf } from '../../compiler-core/view/palette.ts'
import { planeOf, type Cell } from '../../webview/mapping/plane.ts'
import { cornerOf, geometryOf } from '../../webview/mapping/scene.ts'
import { fit, type Viewport } from '../../webview/mapping/viewport.ts'
import { expect, openPage, test, type OpenPage, type PageOptions } from '../harness/webview.ts'
import themes from '../harness/themes.json' with { type: 'json' }
import { layouts, mappings, settings, show, subjectOf } from './subjects.ts'

interface Explorer extends OpenPage {
  /** Shows a subject and waits until it is drawn. */
  draw(subject: Parameters<typeof show>[0], title?: string): Promise<void>
  messages<T extends FromPage['type']>(type: T): Promise<Extract<FromPage, { type: T }>[]>
}

async function open(page: Page, options: Partial<PageOptions> = {}): Promise<Explorer> {
  const opened = await openPage(page, { script: 'mapping.js', style: 'mapping.css', ...options })
  const messages: Explorer['messages'] = async type =>
    (await opened.received() as FromPage[]).filter(message => message.type === type) as never
  await expect.poll(() => messages('ready')).toHaveLength(1)
  return {
    ...opened, messages,
    async draw(subject, title) {
      const before = (await messages('drawn')).length
      await opened.send(show(subject, title))
      await expect.poll(async () => (await messages('drawn')).length).toBe(before + 1)
    }
  }
}

/** The middle of a cell of a whole picture, in CSS pixels of the picture. */
async function middleOf(page: Page, shape: readonly number[], cell: Cell): Promise<{ x: number; y: number }> {
  const size = await page.locator('.picture').evaluate(e => ({ width: e.clientWidth, height: e.clientHeight }))
  const plane = planeOf(shape), geometry = geometryOf(plane, size, fit(plane)), { x, y } = cornerOf(geometry, cell)
  return { x: x + geometry.frame.cell.width / 2, y: y + geometry.frame.cell.height / 2 }
}

async function clickCell(page: Page, shape: readonly number[], row: number, column: number): Promise<void> {
  await page.locator('.picture').click({ position: await middleOf(page, shape, { row, column }) })
}

/** The colour of a cell, off its middle, where its label is. */
async function colourOf(page: Page, shape: readonly number[], row: number, column: number): Promise<string> {
  const size = await page.locator('.picture').evaluate(e => ({ width: e.clientWidth, height: e.clientHeight }))
  const plane = planeOf(shape), geometry = geometryOf(plane, size, fit(plane))
  const { x, y } = cornerOf(geometry, { row, column })
  const { width, height } = geometry.frame.cell
  return pixel(page, x + width * 0.3, y + Math.max(1, height * 0.3))
}

function pixel(page: Page, x: number, y: number): Promise<string> {
  return page.locator('.picture canvas').first().evaluate((canvas: HTMLCanvasElement, at) => {
    const ratio = canvas.width / canvas.clientWidth
    const [red, green, blue] = canvas.getContext('2d')?.getImageData(Math.floor(at.x * ratio),
      Math.floor(at.y * ratio), 1, 1).data ?? []
    return `rgb(${red}, ${green}, ${blue})`
  }, { x, y })
}

function threadColour(worker: number, workers: number): string {
  const { table, group } = paletteOf({ by: 'thread', workers, threads: workers, warpSize: 32 })
  return `rgb(${unpack(table[group(worker, 0)] ?? 0).join(', ')})`
}

const picture = '.picture', status = '.status'

test('says what to do before there is anything to show', async ({ page }) => {
  const explorer = await open(page)
  await expect(page.locator('.empty')).toContainText('Put the cursor on a task mapping in a .heddle file')
  await explorer.send({ type: 'stale', reason: 'Line 3 is broken' })
  await expect(page.locator('.empty .reason')).toHaveText('Line 3 is broken')
})

test('draws a mapping cell by cell, and says when', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.block, 'tile')
  expect((await explorer.messages('drawn'))[0]).toMatchObject({ title: 'tile' })
  await expect(page.locator('h1').last()).toHaveText('tile')
  await expect(page.locator('.expression')).toHaveText('spatial(4, 2) * repeat(2, 2) * spatial(4, 8) * repeat(4, 4)')
  await expect(page.locator('.badge')).toHaveText(['256 workers', '128 \u00d7 128', '64 tasks a worker',
    '\u2713 each cell once'])
  await expect(page.locator('.closed-form')).toContainText('worker w, step k \u2192 (')
  for (const [row, column, worker] of [[0, 0, 0], [0, 66, 32], [5, 5, 9], [127, 127, 255]] as const) {
    expect(await colourOf(page, [128, 128], row, column)).toBe(threadColour(worker, 256))
  }
})

test('a cell has the colour that the legend gives its warp', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.block)
  await page.locator(picture).focus()
  await page.keyboard.press('c')
  await expect(page.locator('.legend .entry')).toHaveText(['warp 0', 'warp 1', 'warp 2', 'warp 3', 'warp 4', 'warp 5',
    'warp 6', 'warp 7'])
  for (const [warp, row, column] of [[1, 2, 66], [4, 66, 2], [7, 98, 66]] as const) {
    const legend = await page.locator('.legend .swatch').nth(warp).evaluate(e => getComputedStyle(e).backgroundColor)
    await expect.poll(() => colourOf(page, [128, 128], row, column)).toBe(legend)
  }
})

test('each way to colour gives another picture', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.block)
  const seen = new Set<string>()
  const cells = [[1, 1], [1, 6], [2, 3], [20, 70], [100, 5]] as const
  for (const name of ['thread', 'warp', 'block', 'lane', 'step']) {
    await page.locator('vscode-dropdown[aria-label="Colour by"]').click()
    await page.locator('vscode-option', { hasText: name }).click()
    await page.waitForTimeout(100)
    const colours: string[] = []
    for (const [row, column] of cells) colours.push(await colourOf(page, [128, 128], row, column))
    seen.add(colours.join())
  }
  expect(seen.size).toBe(5)
})

test('threads a block regroups the workers', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.block)
  await page.locator('vscode-dropdown[aria-label="Colour by"]').click()
  await page.locator('vscode-option', { hasText: 'block' }).click()
  await expect(page.locator('.legend .entry')).toHaveText(['block 0'])
  const field = page.getByRole('textbox', { name: 'Threads a block' })
  await field.fill('64')
  await field.press('Enter')
  await expect(page.locator('.legend .entry')).toHaveText(['block 0', 'block 1', 'block 2', 'block 3'])
})

test('cell to worker, and worker to all its cells', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load)
  const before = await colourOf(page, [64, 8], 40, 4)
  await clickCell(page, [64, 8], 17, 3)
  await expect(page.locator(status)).toHaveText('Task (17, 3): worker 11 (warp 0, lane 11), step 1')
  await expect(page.getByRole('textbox', { name: 'Worker', exact: true })).toHaveValue('11')
  await expect(page.locator('.list .row')).toHaveText(['0(1, 3)', '1(17, 3)', '2(33, 3)', '3(49, 3)'])
  await expect.poll(() => colourOf(page, [64, 8], 40, 4)).not.toBe(before) // dimmed
  expect(await colourOf(page, [64, 8], 49, 3)).toBe(threadColour(11, 128)) // emphasised
  await page.locator('.list .row button').nth(3).click()
  await expect(page.locator(status)).toHaveText('Task (49, 3): worker 11 (warp 0, lane 11), step 3')
})

test('a worker by its number, and the next one', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load)
  const field = page.getByRole('textbox', { name: 'Worker', exact: true })
  await field.fill('127')
  await expect(page.locator('.list .row')).toHaveText(['0(15, 7)', '1(31, 7)', '2(47, 7)', '3(63, 7)'])
  await page.getByRole('button', { name: 'Next worker' }).click()
  await expect(page.locator('.list .row').first()).toHaveText('0(0, 0)')
  await field.fill('4000') // there is none
  await field.press('Enter')
  await expect(field).toHaveValue('127')
  await page.getByRole('button', { name: 'Select no worker' }).click()
  await expect(page.locator('.list')).toBeHidden()
})

test('all owners of a replicated cell, and none of an uncovered one', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.projected)
  await expect(page.locator('.badge').last()).toHaveText('\u26a0 128 replicated, up to \u00d716')
  await clickCell(page, [128, 1], 5, 0)
  await expect(page.locator('.panel')).toContainText('Replicated: 16 times.')
  await expect(page.locator('.owners tbody tr')).toHaveCount(16)
  await expect(page.locator('.owners tbody tr').nth(8)).toHaveText(/^40\D*1\D*8/) // warp 1 of the other column of warps
  await page.locator('.owners button', { hasText: '40' }).click()
  await expect(page.getByRole('textbox', { name: 'Worker', exact: true })).toHaveValue('40')

  await explorer.draw(mappings.diagonal)
  await expect(page.locator('.badge').last()).toHaveText('\u26a0 224 uncovered')
  await expect(page.locator('.legend')).toContainText('uncovered')
  await clickCell(page, [16, 16], 0, 1)
  await expect(page.locator('.panel')).toContainText('Uncovered: no worker executes it.')
})

test('uncovered cells are hatched', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.diagonal)
  const colours = new Set<string>(), { x, y } = await middleOf(page, [16, 16], { row: 1, column: 0 })
  for (let i = -7; i < 8; i++) colours.add(await pixel(page, x + i, y))
  expect(colours.size).toBeGreaterThan(2)
})

test('plays the steps', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load)
  await page.locator(picture).focus()
  for (const [key, words] of [['.', 'step 0 / 3'], ['.', 'step 1 / 3'], [',', 'step 0 / 3'],
    ['.', 'step 1 / 3']] as const) {
    await page.keyboard.press(key)
    await expect(page.locator('.shown')).toHaveText(words)
  }
  await page.keyboard.press('Home') // away from the cells that are looked at
  await expect.poll(() => colourOf(page, [64, 8], 20, 5)).toBe(threadColour(37, 128))
  expect(await colourOf(page, [64, 8], 36, 5)).not.toBe(threadColour(37, 128))
  await page.locator('.slider').fill('3')
  await expect(page.locator('.shown')).toHaveText('step 3 / 3')
  await page.locator(picture).focus()
  await page.keyboard.press(' ')
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible()
  await expect(page.locator('.shown')).not.toHaveText('step 3 / 3') // it begins again
  await page.keyboard.press(' ')
  await page.keyboard.press('Escape')
  await expect(page.locator('.shown')).toHaveText('all 4 steps')
})

test('a trail keeps the steps before half visible', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load)
  await page.locator('.slider').fill('2')
  await expect(page.locator('.shown')).toHaveText('step 2 / 3')
  const dim = await colourOf(page, [64, 8], 4, 5)
  await page.getByRole('checkbox', { name: 'trail' }).click()
  await expect.poll(() => colourOf(page, [64, 8], 4, 5)).not.toBe(dim)
  expect(await colourOf(page, [64, 8], 4, 5)).not.toBe(threadColour(37, 128))
})

test('every step of a replicated cell is shown, not its first owner\'s alone', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.uneven) // cell (0, 0): workers 0 and 2 at step 0; cell (0, 1): worker 0 at step 1
  await page.locator('.slider').fill('0')
  await page.locator(picture).focus()
  await page.keyboard.press(']')
  await page.keyboard.press(']')
  await page.keyboard.press(']')
  await expect(page.locator('.list .row')).toHaveText(['0(0, 0)'])
  await expect.poll(() => colourOf(page, [2, 2], 0, 0)).toBe(threadColour(0, 3))
  expect(await colourOf(page, [2, 2], 1, 0)).not.toBe(threadColour(1, 3))
})

test('three axes: two are drawn, the others fixed', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.rank3)
  await clickCell(page, [4, 16, 16], 4, 1)
  await expect(page.locator(status)).toContainText('Task (0, 4, 1)')
  const field = page.getByRole('textbox', { name: 'Index of axis 0' })
  await field.fill('3')
  await clickCell(page, [4, 16, 16], 4, 1)
  await expect(page.locator(status)).toContainText('Task (3, 4, 1)')
  await page.locator('vscode-dropdown[aria-label="Axis drawn down"]').click()
  await page.locator('vscode-dropdown[aria-label="Axis drawn down"] vscode-option', { hasText: 'axis 0' }).click()
  await expect(page.getByRole('textbox', { name: 'Index of axis 1' })).toBeVisible()
  await expect(field).toBeHidden()
  await page.locator(picture).click({ position: await middleOf(page, [4, 16], { row: 2, column: 5 }) })
  await expect(page.locator(status)).toContainText('Task (2, 0, 5)')
})

test('one axis is wrapped', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.rank1)
  await clickCell(page, [12], 0, 11)
  await expect(page.locator(status)).toHaveText('Task (11): worker 5 (lane 5), step 1')
})

test('strips show the factors and link both ways', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.block)
  const strips = page.locator('.strip')
  await expect(strips).toHaveCount(4)
  await expect(strips.nth(2)).toContainText('spatial(4, 8)32 workerseach cell tiles 4 \u00d7 4')
  const plain = await page.locator('.picture canvas').first().screenshot()
  await strips.nth(1).hover()
  await expect.poll(() => explorer.messages('hoverFactor')).toContainEqual({ type: 'hoverFactor', factor: 1 })
  await expect.poll(async () => (await page.locator('.picture canvas').first().screenshot()).equals(plain)).toBe(false)
  await page.mouse.move(5, 5)
  await expect.poll(async () =>
    (await explorer.messages('hoverFactor')).at(-1)).toEqual({ type: 'hoverFactor', factor: null })
  await strips.nth(3).click()
  expect(await explorer.messages('revealFactor')).toEqual([{ type: 'revealFactor', factor: 3 }])
  await explorer.send({ type: 'factors', factors: [0, 1] })
  await expect(page.locator('.strip.current')).toHaveCount(2)
})

test('a broken expression leaves the last picture, dimmed, with the reason', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load)
  await explorer.send({ type: 'stale', reason: '`spatial` needs at least one extent.' })
  await expect(page.locator('.stale')).toHaveText('`spatial` needs at least one extent.')
  await expect(page.locator(picture).locator('canvas').first()).toHaveCSS('opacity', '0.4')
  await explorer.draw(mappings.load)
  await expect(page.locator('.stale')).toBeHidden()
  await expect(page.locator(picture).locator('canvas').first()).toHaveCSS('opacity', '1')
})

test('a reason that comes before its picture is drawn stays', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load)
  await explorer.send(show(mappings.block, 'block'))
  await explorer.send({ type: 'stale', reason: 'Line 3 is broken' })
  await expect(page.getByRole('heading', { name: 'block' })).toBeVisible()
  await expect(page.locator('.stale')).toHaveText('Line 3 is broken')
})

test('the last of many messages is the one that stays', async ({ page }) => {
  const explorer = await open(page)
  for (const name of ['load', 'million', 'block', 'diagonal',
    'atom'] as const) await explorer.send(show(mappings[name], name))
  await expect.poll(async () => (await explorer.messages('drawn')).at(-1)?.title).toBe('atom')
  await expect(page.locator('h1').last()).toHaveText('atom')
  expect(await colourOf(page, [4, 8], 3, 7)).toBe(threadColour(31, 32))
})

test('a reload draws the same picture again', async ({ page, context }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load, 'load_a')
  await clickCell(page, [64, 8], 17, 3)
  await page.locator('.slider').fill('2')
  await expect.poll(async () => (await explorer.state() as { view?: { step: number } }).view?.step).toBe(2)
  const state = await explorer.state()
  const again = await open(await context.newPage().then(next => page = next), { state })
  await expect.poll(() => again.messages('drawn')).toHaveLength(1)
  await expect(page.locator('h1').last()).toHaveText('load_a')
  await expect(page.getByRole('textbox', { name: 'Worker', exact: true })).toHaveValue('11')
  await expect(page.locator('.shown')).toHaveText('step 2 / 3')
})

test('with the keyboard alone', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load)
  const spoken = page.locator('[aria-live]')
  for (let i = 0; i < 20
    && !await page.locator(picture).evaluate(e => e === document.activeElement); i++) await page.keyboard.press('Tab')
  await expect(page.locator(picture)).toBeFocused()
  await expect(spoken).toHaveText('Task (0, 0): worker 0 (warp 0, lane 0), step 0')
  for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight', 'PageDown']) await page.keyboard.press(key)
  await expect(spoken).toHaveText('Task (17, 2): worker 10 (warp 0, lane 10), step 1')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('textbox', { name: 'Worker', exact: true })).toHaveValue('10')
  await page.keyboard.press(']')
  await expect(page.getByRole('textbox', { name: 'Worker', exact: true })).toHaveValue('11')
  await page.keyboard.press('[')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('textbox', { name: 'Worker', exact: true })).toHaveValue('')
  await page.keyboard.press('End')
  await expect(spoken).toHaveText('Task (17, 7): worker 15 (warp 0, lane 15), step 1')
  const whole = await colourOf(page, [64, 8], 60, 4)
  await page.keyboard.press('+')
  await page.keyboard.press('+')
  await page.keyboard.press('Shift+ArrowUp')
  await page.keyboard.press('0')
  await expect.poll(() => colourOf(page, [64, 8], 60, 4)).toBe(whole)
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toContainText('select the worker (or offset) of the cell')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toBeHidden()
})

test('the picture says what it shows', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.load, 'load_a')
  await expect(page.getByRole('application')).toHaveAccessibleDescription(
    'Task mapping load_a, repeat(4, 1) * spatial(16, 8). 128 workers, task shape 64 by 8, 4 tasks a worker; each cell once.')
})

test('layouts: offsets, banks, what is stored together, conflicts', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(layouts.banks, 'words')
  await expect(page.locator('.badge')).toHaveText(['32 \u00d7 32', '1,024 storage cells'])
  await expect(page.locator('.closed-form')).toContainText('(i, j) \u2192 offset')
  await clickCell(page, [32, 32], 5, 5)
  await expect(page.locator(status)).toHaveText('Element (5, 5): offset 160, byte 640, bank 0')
  await expect(page.locator('.list .row')).toHaveText(['160(5, 5)'])
  await page.getByRole('checkbox', { name: 'all cells of its bank' }).click()
  await expect(page.locator('.panel')).toContainText('32 cells')
  await expect(page.locator('.access')).toHaveText('27 lanes, 27 banks: no conflict')
  await page.locator('vscode-dropdown[aria-label="Bytes of an element"]').click()
  await page.locator('vscode-option', { hasText: '2 B' }).click()
  await expect(page.locator(status)).toHaveText('Element (5, 5): offset 160, byte 320, bank 16')
  await page.locator(picture).focus()
  await page.keyboard.press('c')
  await expect(page.locator('.legend')).toContainText('bank 0')
})

test('10^9 cells: open at once, zoom to one', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.billion)
  await expect(page.locator('.badge').nth(1)).toHaveText('32,768 \u00d7 32,768')
  const field = page.getByRole('textbox', { name: 'Worker', exact: true })
  await field.fill('2097151')
  await page.locator('.list .row button').first().click()
  await expect(page.locator(status)).toContainText('Task (32664, 32668): worker 2097151')
  await page.locator(picture).focus()
  for (let i = 0; i < 40; i++) await page.keyboard.press('+')
  await page.keyboard.press('ArrowRight')
  await expect(page.locator(status)).toContainText('Task (32664, 32669): worker 2097151')
  const size = await page.locator(picture).evaluate(e => ({ width: e.clientWidth, height: e.clientHeight }))
  const plane = planeOf([32_768, 32_768])
  type Kept = { view: { viewport: Parameters<typeof geometryOf>[2] | null } }
  const viewport = async () => (await explorer.state() as Kept).view.viewport
  // it is kept a moment after a change, so that the place is looked up each time
  await expect.poll(async () => {
    const seen = await viewport()
    if (seen === null) return ''
    const { x, y } = cornerOf(geometryOf(plane, size, seen), { row: 32_664, column: 32_668 })
    return pixel(page, x + 20, y + 20)
  }).toBe(threadColour(31 + 32 * 7, 256)) // warp 65535: the colour of warp 7
})

test('the wheel zooms, a drag moves', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.million)
  const box = await page.locator(picture).boundingBox()
  if (box === null) throw new Error('no picture')
  const view = async () => (await explorer.state() as { view: { viewport: Viewport | null } }).view.viewport
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.mouse.wheel(0, -600)
  await expect.poll(async () => (await view())?.zoom ?? 1).toBeGreaterThan(1.5)
  const before = await view()
  await page.mouse.down()
  await page.mouse.move(box.x + box.width / 2 + 50, box.y + box.height / 2 + 30, { steps: 5 })
  await page.mouse.up()
  await expect.poll(async () => (await view())?.column ?? 0).toBeLessThan(before?.column ?? 0)
  expect((await view())?.row).toBeLessThan(before?.row ?? 0)
  await expect(page.getByRole('textbox', { name: 'Worker', exact: true })).toHaveValue('') // a drag is no click
})

test('exports an SVG of rectangles and words', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.atom, 'warp atom')
  await page.getByRole('button', { name: 'Save the picture as SVG' }).click()
  await expect.poll(() => explorer.messages('save')).toHaveLength(1)
  const [saved] = await explorer.messages('save')
  expect(saved).toMatchObject({ format: 'svg', name: 'warp-atom' })
  const found = await page.evaluate(data => {
    const svg = new DOMParser().parseFromString(data, 'image/svg+xml')
    const colours = new Set([...svg.querySelectorAll('g[clip-path] rect')].map(rect => rect.getAttribute('fill')))
    return {
      error: svg.querySelector('parsererror')?.textContent ?? null, title: svg.querySelector('title')?.textContent,
      cells: svg.querySelectorAll('g[clip-path] rect').length, colours: colours.size,
      labels: [...svg.querySelectorAll('g[clip-path] text')].map(text => text.textContent),
      text: svg.documentElement.textContent
    }
  }, saved?.data ?? '')
  expect(found).toMatchObject({ error: null, title: 'warp atom', cells: 32, colours: 32 })
  expect(found.labels.slice(0, 4)).toEqual(['0', 'k0', '2', 'k0'])
  expect(found.text).toContain('each cell once')
  expect(saved?.data).toContain(threadColour(31, 32))
})

test('a large picture in an SVG is an image; a PNG has twice the size', async ({ page }) => {
  const explorer = await open(page)
  await explorer.draw(mappings.million)
  await page.getByRole('button', { name: 'Save the picture as SVG' }).click()
  await page.getByRole('button', { name: 'Save the picture as PNG' }).click()
  await expect.poll(() => explorer.messages('save')).toHaveLength(2)
  const [svg, png] = await explorer.messages('save')
  expect(svg?.data).toContain('<image ')
  expect(svg?.data).not.toContain('clip-path')
  const header = Buffer.from(png?.data ?? '', 'base64')
  expect(header.subarray(1, 4).toString()).toBe('PNG')
  expect(header.readUInt32BE(16)).toBe(await page.locator(picture).evaluate(e => e.clientWidth) * 2)
})

test('follows the theme while it runs', async ({ page }) => {
  const explorer = await open(page, { theme: 'dark' })
  await explorer.draw(mappings.atom)
  expect(await pixel(page, 2, 2)).toBe('rgb(31, 31, 31)')
  await page.evaluate(({ variables, bodyClass }) => {
    for (const [name, value] of Object.entries(variables)) document.documentElement.style.setProperty(name, value)
    document.body.className = `${bodyClass} has-subject`
  }, themes.light)
  await expect.poll(() => pixel(page, 2, 2)).toBe('rgb(255, 255, 255)')
})

test('works where no worker may be started', async ({ page }) => {
  const explorer = await open(page, {
    head: '<meta http-equiv="Content-Security-Policy" content="worker-src \'none\'">'
  })
  await explorer.draw(mappings.block)
  expect(await colourOf(page, [128, 128], 127, 127)).toBe(threadColour(255, 256))
  expect([warpOf({ threads: 256, warpSize: 32 }, 255), laneOf({ threads: 256, warpSize: 32 }, 255)]).toEqual([7, 31])
})

test('works under the policy of its host', async ({ page }) => {
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  const policy = "default-src 'none'; script-src http://webview.test 'unsafe-inline'; style-src http://webview.test; connect-src http://webview.test; worker-src blob:"
  const explorer = await open(page, { head: `<meta http-equiv="Content-Security-Policy" content="${policy}">` })
  await explorer.draw(mappings.atom)
  expect(await colourOf(page, [4, 8], 3, 7)).toBe(threadColour(31, 32))
  await expect(page.locator('vscode-button').first()).toHaveCSS('display', /flex/)
  expect(errors).toEqual([])
})

for (const theme of Object.keys(themes) as (keyof typeof themes)[]) {
  test(`nothing that axe-core finds wrong, ${theme}`, async ({ page }) => {
    const explorer = await open(page, { theme })
    expect(await findings(page)).toEqual([])
    await explorer.draw(mappings.projected)
    await clickCell(page, [128, 1], 5, 0)
    await expect(page.locator('.list .row').first()).toBeVisible()
    expect(await findings(page)).toEqual([])
    await explorer.draw(mappings.rank3)
    expect(await findings(page)).toEqual([])
    await explorer.draw(layouts.banks)
    await clickCell(page, [32, 32], 5, 5)
    expect(await findings(page)).toEqual([])
    await explorer.send({ type: 'stale', reason: 'Line 3 is broken' })
    await page.locator(picture).focus()
    await page.keyboard.press('?')
    expect(await findings(page)).toEqual([])
  })
}

test('a narrow side panel shows everything without scrolling sideways', async ({ page }) => {
  await page.setViewportSize({ width: 380, height: 800 })
  const explorer = await open(page)
  await explorer.draw(mappings.block)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(380)
  await expect(page.locator(picture)).toBeInViewport()
})

test('a subject too large to keep is not kept', async ({ page }) => {
  const tasks = Array.from({ length: 70_000 }, (_, w) => [[w]])
  const subject: Subject = {
    kind: 'mapping', title: 't', text: 't', place: subjectOf(mappings.load).place, factors: [{ text: 't', places: [] }],
    mapping: { kind: 'mapping', rank: 1, shape: [70_000], workers: 70_000,
      factors: [{ kind: 'custom', name: 't', workers: 70_000, extents: [70_000], axes: [0],
        tasks: { kind: 'table', tasks } }] }
  }
  const explorer = await open(page)
  await explorer.send({ type: 'show', subject, settings })
  await expect.poll(() => explorer.messages('drawn')).toHaveLength(1)
  await expect.poll(async () => (await explorer.state() as { subject?: unknown } | undefined)?.subject).toBeNull()
})
