import { describe, expect, it } from 'vitest'
import { analysis, problems, said } from './support.ts'

describe('mappings: the message stands at the argument', () => {
  problems([
    ['let a = spatial(4, <|0|>)', 'bad-extent', /extent 0 in dimension 1/],
    ['let a = spatial((<|-1|>, 2))', 'bad-extent', /extent -1/],
    ['let s = (4, 0)\nlet a = spatial(<|s|>)', 'bad-extent', /dimension 1/],
    ['let a = repeat(2, <|1 - 1|>)', 'bad-extent'],
    ['let a = <|spatial()|>', 'missing-argument', /at least one extent/],
    ['let a = spatial(2, <|1.5|>)', 'wrong-type', /whole numbers; this is the float 1.5/],
    ['let a = spatial(<|"x"|>)', 'wrong-type', /the string "x"/],
    ['let a = spatial(<|vector|>)', 'wrong-type'],
    ['let a = spatial(2, 3, ranks: (0, <|0|>))', 'bad-ranks', /both have rank 0/],
    ['let a = spatial(2, 3, ranks: (0, <|2|>))', 'bad-ranks', /not one of 0 to 1/],
    ['let a = spatial(2, 3, ranks: <|(0, 1, 2)|>)', 'bad-ranks', /2 dimensions but 3 ranks/],
    ['let a = spatial(2, 3, <|rank|>: (1, 0))', 'unknown-argument', /Did you mean `ranks`/],
    ['let a = spatial(2, ranks: 0, <|ranks|>: 0)', 'duplicate-argument'],
    ['let a = repeat(2, 3, <|vector|>, rolled, vector)', 'bad-loop', /2 dimensions but 3 loop words/],
    ['let a = repeat(2, vector, <|3|>)', 'wrong-type', /behind all extents/],
    ['let a = repeat(2, unrolled(<|0|>))', 'bad-loop'], ['let a = repeat(2, rolled(<|3|>))', 'bad-loop', /takes no number/],
    ['let a = spatial(4) * <|spatial(2, 2)|>', 'rank-mismatch', /task shape \(2, 2\) of rank 2.*\(4\) of rank 1/],
    ['let a = spatial(4, 4).<|repeat|>(2)', 'rank-mismatch'],
    ['let a = spatial(2, 2)\nlet b = a * a * <|spatial(8)|> * a', 'rank-mismatch'],
    ['let a = auto_map(8, 41, workers: <|64|>)', 'not-divisible', /328 % 64 = 8/],
    ['let a = auto_map(8, 8, workers: <|0|>)', 'bad-extent', /0 workers/], ['let a = <|auto_map(8, 8)|>', 'missing-argument', /`workers`/],
    ['let a = auto_map(8, <|0|>, workers: 4)', 'bad-extent'],
    ['let a = spatial(4, 2).project(onto: <|2|>)', 'bad-axis', /0 to 1/], ['let a = spatial(4, 2).project(zero: (0, <|3|>))', 'bad-axis'],
    ['let a = <|spatial(4, 2).project()|>', 'missing-argument'], ['let a = <|spatial(4, 2).project(onto: 0, zero: 1)|>', 'too-many-arguments'],
    ['let a = spatial(4).on(<|4|>)', 'worker-outside', /0 to 3; this is 4/], ['let a = <|repeat(4).at(0)|>', 'not-one-task', /4 tasks/],
    ['mapping m(w < 2) -> 2 = [i for i in 0..w]\nlet a = <|m.tasks|>', 'not-one-task', /differently many/],
    ['mapping m(w < 2) -> 2 = [w]\nlet a = <|m.layout|>', 'no-register-layout'],
    ['let a = <|spatial(4294967296, 4294967296)|>', 'overflow'], ['let a = spatial(4194304) * spatial(4194304) * <|spatial(4194304)|>', 'overflow'],
    ['let a = spatial(<|9007199254740993|>)', 'overflow', /9007199254740993/],
    ['let a = spatial(4).<|wrkers|>', 'unknown-member', /Did you mean `workers`/], ['let a = spatial(4).<|on|>', 'missing-argument', /\.on\(worker\)/],
    ['let a = <|spatial(4)|>(1)', 'not-callable', /`.on\(w\)`/], ['let a = <|spatial(4).workers|>()', 'not-callable', /without parentheses/],
    ['let a = <|spatial(4)|>[1]', 'wrong-type', /`.on\(w\)`/], ['let a = <|spatial(4)|> + spatial(2)', 'wrong-type', /composed with `\*`/], ['let a = <|2|> * spatial(4)', 'wrong-type'],
    ['let a = <|repeat(1024, 1024).on(0)|>', 'too-large', /1048576 tasks/],
  ])
})

describe('custom mappings', () => {
  problems([
    ['mapping m(w < 32) -> (16, 2) = <|[(w, 0)]|>', 'task-outside', /Worker 16.*\(16, 0\).*dimension 0/],
    ['mapping m(w < 4) -> (4, 4) = <|[w]|>', 'wrong-type', /2 whole numbers.*worker 0 is the int 0/],
    ['mapping m(w < 4) -> (4, 4) = <|(w, w)|>', 'wrong-type', /are a list/],
    ['mapping m(w < 4) -> (4, <|0|>) = [(w, 0)]', 'bad-extent'], ['mapping m(w < <|0|>) -> 4 = [w]', 'bad-extent'],
    ['mapping m(w < <|"x"|>) -> 4 = [w]', 'wrong-type'], ['mapping m(w < 4) -> <|"x"|> = [w]', 'wrong-type'],
    ['mapping m(w < 2048) -> (2048, 1024) = <|[(w, j) for j in 0..1024]|>', 'overflow', /at most 1048576/],
    ['mapping m(w < <|100000000000|>) -> 100000000000 = [w]', 'too-large'],
    ['mapping m(w < 4) -> 4 = [4 / <|w|>]', 'division-by-zero'],
  ])
})

describe('layouts', () => {
  problems([
    ['let a = row_major(4, <|0|>)', 'bad-extent'], ['let a = row_major(2, 2) * <|row_major(4)|>', 'rank-mismatch', /`\+` puts dimensions in front/],
    ['let a = row_major(2, 6).<|reshape|>(2)', 'size-mismatch', /12 elements/],
    ['let a = row_major(4, 4).swizzle(<|2|>)', 'bad-axis'], ['let a = row_major(4, 4).swizzle(1, regards: <|1|>)', 'bad-axis'],
    ['let a = row_major(4, 6).swizzle(<|1|>)', 'bad-extent', /power of two/], ['let a = row_major(4, 4).swizzle(1, log_step: <|-1|>)', 'bad-extent'],
    ['let a = row_major(4, 4).permute(0, <|0|>)', 'bad-ranks'], ['let a = strided((2, 2), ranks: (0, <|0|>))', 'bad-ranks'],
    ['let a = strided((2, 2), strides: (1, <|-1|>))', 'bad-extent'], ['let a = <|strided((2, 2))|>', 'missing-argument'],
    ['let a = row_major(4, 8)(1, <|8|>)', 'index-outside', /0 to 7/], ['let a = <|row_major(4, 8)(1)|>', 'rank-mismatch', /2 indices, not 1/],
    ['let a = row_major(2) + <|"x"|>', 'wrong-type'], ['let a = <|3|> * row_major(2)', 'wrong-type'], ['let a = row_major(4)(<|1.0|>)', 'wrong-type'],
  ])
})

describe('numbers, tuples and functions', () => {
  problems([
    ['let a = 1 / <|0|>', 'division-by-zero'], ['let a = 1 % <|(2 - 2)|>', 'division-by-zero'],
    ['let a = <|9223372036854775807 + 1|>', 'overflow'], ['let a = <|4611686018427387904 * 2|>', 'overflow'], ['let a = <|9223372036854775808|>', 'overflow'],
    [`let a = <|${'9'.repeat(5000)}|>`, 'overflow'], [`let a = <|0x${'f'.repeat(5000)}|>`, 'overflow'], ['let a = <|1 << 63|>', 'overflow'], ['let a = 1 << <|64|>', 'bad-shift'],
    ['let a = i8(<|200|>)', 'overflow', /-128 to 127/], ['let a = i32(<|inf|>)', 'overflow'], ['let a = <|abs(-9223372036854775808)|>', 'overflow'],
    ['let a = 1 + <|"x"|>', 'wrong-type'], ['let a = !<|1|>', 'wrong-type'], ['let a = <|1|> && true', 'wrong-type'], ['let a = if <|1|> then 2 else 3', 'wrong-type'],
    ['let a = -<|true|>', 'wrong-type'], ['let a = <|1.5|> & 1', 'wrong-type'], ['let a = <|"a" == 1|>', 'wrong-type'], ['let a = <|(1, 2)|> + 1', 'wrong-type'],
    ['let a = <|1 && 2|>', 'wrong-type'],
    ['let a = (1, 2)[<|2|>]', 'index-outside', /2 items, counted from 0/], ['let a = (1, 2)[<|-1|>]', 'index-outside'], ['let a = (1, 2)[<|0.5|>]', 'wrong-type'], ['let a = <|(1, 2)[0, 1]|>', 'rank-mismatch'],
    ['let a = (1, 2)[0..<|3|>]', 'index-outside'], ['let a = <|true|>[0]', 'wrong-type'], ['let a = (1, 2).drop(<|2|>)', 'index-outside'], ['let a = "x".<|rank|>', 'unknown-member'],
    ['let <|(a, b)|> = (1, 2, 3)', 'wrong-type', /2 names, but the value is the tuple \(1, 2, 3\) of 3 items/], ['let <|(a, b)|> = spatial(2)', 'wrong-type'],
    ['let a = [i for i in <|5|>]', 'wrong-type', /`0..5`/], ['let a = [i for i in <|spatial(2)|>]', 'wrong-type'], ['let a = [i for i in <|true|>..3]', 'wrong-type'],
    ['let a = [i for i in <|0..1000000000000|>]', 'too-large', /1000000000000 values/], ['let a = <|[i for i in 0..60000 for j in 0..60000]|>', 'too-large'],
    ['let a = <|5|>(1)', 'not-callable'], ['let a = <|shape|>(1)', 'not-callable'], ['let a = <|f32()|>', 'missing-argument'], ['let a = sizeof(<|5|>)', 'wrong-type'], ['let a = <|max(1)|>', 'missing-argument'],
    ['let a = max(1, 2, <|3|>)', 'too-many-arguments'], ['let a = broadcast((2, 3), <|(2, 4)|>)', 'size-mismatch'], ['let a = spatial(...<|true|>)', 'wrong-type'],
    ['let a = align(<|1|>, (2, 3))', 'rank-mismatch'], [`let a = spatial(${'1, '.repeat(32)}<|1|>)`, 'too-large', /At most 32/],
    ['fn f(a: int) -> int = a\nlet b = <|f()|>', 'missing-argument', /needs `a`/], ['fn f(a: int) -> int = a\nlet b = f(1, <|2|>)', 'too-many-arguments'],
    ['fn f(a: int) -> int = a\nlet b = f(<|"x"|>)', 'wrong-type', /`a` of `f` is a whole number/], ['fn f(a: int) -> int = a\nlet b = f(1, <|a|>: 2)', 'duplicate-argument'],
    ['fn f(m: mapping) -> int = m.workers\nlet b = f(<|3|>)', 'wrong-type', /a mapping; this is the int 3/], ['fn f(a: (int, int)) -> int = a[0]\nlet b = f(<|3|>)', 'wrong-type'],
    ['fn f() -> int = "x"\nlet b = <|f()|>', 'wrong-type', /gives `int`.*\(in `f`\)/], ['fn f(n: int) -> int { if n > 0 { return 1 } }\nlet b = <|f(0)|>', 'missing-return'],
    ['fn f(n: int) -> int = 1 / n\nfn g(n: int) -> int = f(n)\nlet b = <|g(0)|>', 'division-by-zero', /in `f`, called from `g`/],
    ['fn f(n: int) -> int = f(n + 1)\nlet b = <|f(0)|>', 'endless-recursion', /`f`, called from `f`/],
    ['fn f(n: int) -> int = g(n)\nfn g(n: int) -> int = f(n)\nlet b = <|f(0)|>', 'endless-recursion', /`g`, called from `f`/],
    ['fn f() -> int { while true { } return 1 }\nlet b = <|f()|>', 'out-of-fuel', /without end/],
    ['fn f() -> mapping { var m = spatial(1) while true { m = m * m } return m }\nlet b = <|f()|>', 'too-large', /256 factors/],
    ['fn f() -> layout { var m = row_major(2, 2) while true { m = m.swizzle(1) } return m }\nlet b = <|f()|>', 'too-large', /256 parts/],
    ['let a = <|f()|>\nfn f() -> int = b\nlet b = 1', 'use-before-declaration', /no value yet/],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { tune t = 96 in [96] require <|t <= 64|>, "too many" }', 'require-failed', /too many.*`t` is 96/],
  ])

  it('are one a mistake: what follows from it is unknown', () => {
    expect(said(analysis('let a = spatial(0)\nlet b = a * a\nlet c = b.shape[3]\nlet (d, e) = c\nlet f = d + "x" + nothing').diagnostics).map(s => s.split(':')[0]))
      .toEqual(['bad-extent', 'unknown-name'])
  })
  it('stay few however often a body runs', () => {
    expect(analysis('let a = [(1, 2)[i] for i in 0..1000]').diagnostics).toHaveLength(1)
  })
  it('are bounded in time for a file of broken declarations', () => {
    const loops = `fn f() -> int { while true { } return 1 }\n${Array.from({ length: 1000 }, (_, i) => `let a${i} = f()`).join('\n')}`
    expect(analysis(loops).diagnostics.map(d => d.code)).toEqual(['out-of-fuel', 'out-of-fuel'])
    const broken = Array.from({ length: 1000 }, (_, i) => `let a${i} = spatial(0, unknown${i}) * repeat(2`).join('\n')
    expect(analysis(broken).diagnostics.length).toBeGreaterThanOrEqual(2000)
  })
  it('end values that share parts, whose size would double without end', () => {
    const text = `let t0 = (1, 2)\n${Array.from({ length: 60 }, (_, i) => `let t${i + 1} = (t${i}, t${i})`).join('\n')}\nlet e = t60 == t59`
    expect(analysis(text).diagnostics[0]?.code).toBe('too-large')
  })
  it.each(['(', '[', '-', 'if true then ', 'f('])('end deep nesting of %s', open => {
    expect(analysis(`let a = ${open.repeat(5000)}1`).diagnostics.some(d => d.code === 'too-deep')).toBe(true)
  })
  it('know no recursion that is merely deep', () => {
    expect(analysis('fn f(n: int) -> int = if n == 0 then 0 else 1 + f(n - 1)\nlet a = f(140)').diagnostics).toEqual([])
  })
  it('say where inside of a function they are', () => {
    const a = analysis('fn f(n: int) -> int = 1 / n\nlet b = f(0)')
    expect(a.diagnostics[0]?.related.map(r => a.text.slice(r.span.start, r.span.end))).toEqual(['n'])
  })
})
