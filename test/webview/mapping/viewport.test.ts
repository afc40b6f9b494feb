import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planeOf } from '../../../webview/mapping/plane.ts'
import {
  cellSize, fit, frameOf, levelOf, pan, reveal, zoomAt, type Viewport
} from '../../../webview/mapping/viewport.ts'

const size = { width: 800, height: 600 }
const shapes = fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 100_000 }))

it('the whole plane fits', () => {
  fc.assert(fc.property(shapes, shape => {
    const plane = planeOf(shape), { left, top, cell } = frameOf(plane, size, fit(plane))
    expect(left).toBeGreaterThanOrEqual(-1e-6)
    expect(top).toBeGreaterThanOrEqual(-1e-6)
    expect(left + plane.columns * cell.width).toBeLessThanOrEqual(size.width + 1e-6)
    expect(top + plane.rows * cell.height).toBeLessThanOrEqual(size.height + 1e-6)
  }))
})

describe('the size of a cell that shows everything', () => {
  const check = (shape: readonly number[], width: number, height: number) => {
    it(shape.join(' x '), () => {
      const cell = cellSize(planeOf(shape), size, 1)
      expect([Math.round(cell.width * 1000) / 1000, Math.round(cell.height * 1000) / 1000]).toEqual([width, height])
    })
  }
  check([4, 8], 56, 56)
  check([16, 16], 37, 37)
  check([128, 128], 6, 4) // wider than high, since there is room
  check([64, 8], 28, 9)
  check([128, 1], 64, 4)
  check([8, 1_000_000], 0.001, 22)
})

it('zooming leaves the cell under the pointer where it is, while no edge of the plane is near', () => {
  fc.assert(fc.property(fc.integer({ min: 300, max: 5000 }), fc.double({ min: 1.05, max: 4, noNaN: true }),
    fc.integer({ min: 300, max: 500 }),
    (extent, factor, x) => {
      const plane = planeOf([extent, extent]), view: Viewport = { zoom: 4, row: extent / 2, column: extent / 2 }
      const column = (v: Viewport) => (x - frameOf(plane, size, v).left) / frameOf(plane, size, v).cell.width
      expect(column(zoomAt(plane, size, view, factor, x, 300))).toBeCloseTo(column(view), 6)
    }))
})

it('panning leaves no empty room', () => {
  fc.assert(fc.property(shapes, fc.double({ min: 1, max: 50, noNaN: true }), fc.integer({ min: -5000, max: 5000 }),
    fc.integer({ min: -5000, max: 5000 }),
    (shape, zoom, dx, dy) => {
      const plane = planeOf(shape), view = pan(plane, size, { ...fit(plane), zoom }, dx, dy)
      const { left, cell } = frameOf(plane, size, view)
      const width = plane.columns * cell.width
      if (width > size.width) {
        expect(left).toBeLessThanOrEqual(1e-6)
        expect(left + width).toBeGreaterThanOrEqual(size.width - 1e-6)
      }
    }))
})

it('zooms no further out than everything, and no further in than one large cell', () => {
  const plane = planeOf([128, 128]), view = zoomAt(plane, size, fit(plane), 1e9, 10, 10)
  expect(zoomAt(plane, size, view, 1e-9, 10, 10)).toEqual(fit(plane))
  expect(cellSize(plane, size, view.zoom).width).toBeCloseTo(160)
})

it('zooming into a long plane makes its cells square', () => {
  const plane = planeOf([8, 1_000_000]), cell = cellSize(plane, size, 1e5)
  expect(cell.width).toBe(cell.height)
})

it('reveals a cell that is out of sight, and moves for no other', () => {
  const plane = planeOf([1000, 1000]), view: Viewport = { zoom: 20, row: 500, column: 500 }
  expect(reveal(plane, size, view, 505, 505)).toEqual(view)
  const moved = reveal(plane, size, view, 10, 990), { left, top, cell } = frameOf(plane, size, moved)
  expect(left + 990 * cell.width).toBeGreaterThanOrEqual(0)
  expect(left + 991 * cell.width).toBeLessThanOrEqual(size.width)
  expect(top + 10 * cell.height).toBeGreaterThanOrEqual(0)
})

describe('the level of detail', () => {
  const check = (width: number, height: number, columns: number, rows: number) => {
    it(`of cells of ${width} x ${height}`, () => { expect(levelOf({ width, height })).toEqual({ rows, columns }) })
  }
  check(6, 6, 0, 0)
  check(1.5, 1.5, 0, 0)
  check(1.4, 3, 1, 0)
  check(0.5, 0.1, 2, 4)
})
