import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellOf, indexOf, planeOf, windowsOf, type Plane } from '../../../webview/mapping/plane.ts'

describe('the drawn plane', () => {
  const check = (shape: readonly number[], expected: Partial<Plane>, chosen: Parameters<typeof planeOf>[1] = {}) => {
    it(`of ${shape.join(' x ')}${JSON.stringify(chosen)}`,
      () => { expect(planeOf(shape, chosen)).toMatchObject(expected) })
  }
  check([64, 8], { rowAxis: 0, columnAxis: 1, rows: 64, columns: 8 })
  check([1, 1], { rowAxis: 0, columnAxis: 1 })
  check([8, 1, 16], { rowAxis: 0, columnAxis: 2 })
  check([8, 4, 16], { rowAxis: 1, columnAxis: 2, fixed: [0, 0, 0] })
  check([8, 4, 16], { rowAxis: 0, columnAxis: 1, fixed: [0, 0, 15] }, { axes: [0, 1], fixed: [7, 3, 99] })
  check([8, 4], { rowAxis: 1, columnAxis: 0, rows: 4, columns: 8 }, { axes: [1, 0] })
  check([12], { rowAxis: null, rows: 1, columns: 12 })
  check([32], { rowAxis: null, rows: 1, columns: 32 })
  check([1024], { rowAxis: null, rows: 32, columns: 32 })
  check([100], { rowAxis: null, rows: 7, columns: 16 })
})

const shapes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 })

it('an index and its cell name each other', () => {
  fc.assert(fc.property(shapes, fc.nat(), fc.nat(), (shape, r, c) => {
    const plane = planeOf(shape), cell = { row: r % plane.rows, column: c % plane.columns }
    const index = indexOf(plane, cell)
    if (index === undefined) expect(shape).toHaveLength(1)
    else expect(cellOf(plane, index)).toEqual(cell)
  }))
})

it('an index outside the plane has no cell, a cell outside the plane no index', () => {
  const plane = planeOf([4, 8, 8], { fixed: [2, 0, 0] })
  expect(cellOf(plane, [1, 3, 3])).toBeUndefined()
  expect(cellOf(plane, [2, 3, 5])).toEqual({ row: 3, column: 5 })
  expect(indexOf(plane, { row: 8, column: 0 })).toBeUndefined()
  expect(indexOf(planeOf([100]), { row: 6, column: 4 })).toBeUndefined()
})

it('windows cover each cell of a block that lies inside the shape, once', () => {
  const steps = fc.constantFrom(1, 2, 4)
  fc.assert(fc.property(shapes, fc.nat(60), fc.nat(60), steps, steps, fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 9 }),
    (shape, row, column, rowStep, columnStep, rowCount, columnCount) => {
      const plane = planeOf(shape), found: number[][] = [], expected: number[][] = []
      for (const { window: w, at } of windowsOf(plane, { row, column, rowStep, columnStep, rowCount, columnCount })) {
        for (let r = 0; r < w.rowCount; r++) {
          for (let c = 0; c < w.columnCount; c++) {
            const index = [...w.fixed]
            if (w.rowAxis !== null) index[w.rowAxis] = w.rowFrom + r * w.rowStep
            index[w.columnAxis] = w.columnFrom + c * w.columnStep
            found.push([at + r * columnCount + c, ...index])
          }
        }
      }
      for (let r = 0; r < rowCount; r++) {
        for (let c = 0; c < columnCount; c++) {
          const index = indexOf(plane, { row: row + r * rowStep, column: column + c * columnStep })
          if (index !== undefined) expected.push([r * columnCount + c, ...index])
        }
      }
      expect(found).toEqual(expected)
    }))
})
