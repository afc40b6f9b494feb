// Measures for `npm run bench`. A file test/bench/NAME.bench.ts exports a function that takes a Bench:
//
//   export default async function (bench: Bench): Promise<void> {
//     const text = ...
//     const parse = await bench.time('parse 1,000 lines', () => parse(text), { budget: 30 })
//     const lex = await bench.time('lex 1,000 lines', () => lex(text))
//     bench.ratio('parse / lex', parse, lex)
//   }
//
// A row gives the median and the spread (5th to 95th percentile) of its samples. Numbers of two runs on different
// machines say little; ratios within a run hold.

export interface Row {
  readonly name: string
  readonly unit: string
  readonly median: number
  readonly p5: number
  readonly p95: number
  readonly samples: number
  /** What the median must not exceed; of a row named after its p95, the p95. */
  readonly budget?: number
}

export interface Bench {
  /** Times a function in milliseconds: after some warm-up, at least 20 samples over at least half a second. */
  time(name: string, run: () => unknown, options?: { budget?: number; samples?: number }): Promise<Row>
  /** Takes values that the bench has measured itself. */
  add(name: string, unit: string, values: readonly number[], options?: { budget?: number }): Row
  /** The first's median divided by the second's. */
  ratio(name: string, first: Row, second: Row): Row
}

export function createBench(print: (row: Row) => void): Bench {
  const add: Bench['add'] = (name, unit, values, { budget } = {}) => {
    const sorted = values.toSorted((a, b) => a - b)
    const row: Row = {
      name, unit, median: percentile(sorted, 50), p5: percentile(sorted, 5), p95: percentile(sorted, 95),
      samples: sorted.length, ...(budget === undefined ? {} : { budget })
    }
    print(row)
    return row
  }
  return {
    add,
    ratio: (name, first, second) => add(name, 'x', [first.median / second.median]),
    async time(name, run, { budget, samples = 20 } = {}) {
      const warm = performance.now() + 200
      do await run(); while (performance.now() < warm)
      const values: number[] = []
      const end = performance.now() + 500
      while (values.length < samples || performance.now() < end) {
        const start = performance.now()
        await run()
        values.push(performance.now() - start)
      }
      return add(name, 'ms', values, budget === undefined ? {} : { budget })
    }
  }
}

/** Of sorted values, the nearest one at or above that share of them. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share / 100) - 1)] ?? Number.NaN
}
