/**
 * What the generated text needs beyond plain CUDA C++, as small inline functions at its top: 16-bit floats and tf32,
 * shuffles, atomics, floor division. Only those that are used, so that no CUDA header is read; special instructions
 * occur nowhere else.
 *
 *     f16, shfl_xor_sync(f32)  ->  struct f16 { ... };   static ... float shfl_xor_sync(float value, unsigned distance)
 */
import type { ElementName } from '../ir/ir.ts'
import type { Architecture } from '../target/architectures.ts'

export type SmallFloat = 'f16' | 'bf16' | 'tf32'
export type Arithmetic = '+' | '-' | '*' | '/' | '<' | '<=' | '==' | '!=' | 'min' | 'max' | 'negate'
export type Wrapper =
  | { readonly kind: 'type'; readonly type: SmallFloat }
  | { readonly kind: 'arithmetic'; readonly type: SmallFloat; readonly operator: Arithmetic }
  | { readonly kind: 'shuffle'; readonly type: ElementName; readonly shuffle: 'shfl_xor_sync' | 'shfl_down_sync' }
  | { readonly kind: 'atomic'; readonly type: ElementName; readonly scope: 'shared' | 'global' }
  | { readonly kind: 'floor'; readonly type: 'i32' | 'i64'; readonly operator: '/' | '%' }
  | { readonly kind: 'rounded product'; readonly type: 'f32' | 'f64' }
  | { readonly kind: 'sine'; readonly function: 'sin' | 'cos' }
  | { readonly kind: 'trap' }
  /** 4, 8 or 16 bytes. `guarded`: with a condition without which zeros arrive. */
  | { readonly kind: 'asynchronous copy'; readonly bytes: number; readonly guarded: boolean }
  | { readonly kind: 'commit group' }
  | { readonly kind: 'wait group' }

export function isSmallFloat(type: string): type is SmallFloat {
  return type === 'f16' || type === 'bf16' || type === 'tf32'
}

/** What two wrappers have in common if and only if they are the same. */
export function wrapperKey(w: Wrapper): string {
  return Object.values(w).join(' ')
}

/** The C type of an element. */
export function cType(type: ElementName): string {
  switch (type) {
    case 'f64': return 'double'
    case 'f32': return 'float'
    case 'i64': return 'long long'
    case 'i32': return 'int'
    case 'i16': return 'short'
    case 'i8': return 'signed char'
    case 'u64': return 'unsigned long long'
    case 'u32': return 'unsigned'
    case 'u16': return 'unsigned short'
    case 'u8': return 'unsigned char'
    case 'f16': case 'bf16': case 'tf32': case 'bool': return type
  }
}

/** The definitions, in an order in which each uses only earlier ones. Empty for no wrappers. */
export function wrapperText(wrappers: readonly Wrapper[], architecture: Architecture): string {
  const types = smallFloats.filter(type => wrappers.some(w => 'type' in w && w.type === type))
  return [
    ...types.map(type => typeText(type, architecture)),
    ...wrappers.some(w => w.kind === 'sine') ? [reductionText] : [],
    ...wrappers.filter(w => w.kind !== 'type').map(w => functionText(w, architecture))
  ].map(text => `${text}\n\n`).join('')
}

const smallFloats: readonly SmallFloat[] = ['f16', 'bf16', 'tf32']
const inline = '__device__ __forceinline__'

// ---------------------------------------------------------------- types

function typeText(type: SmallFloat, { compute_capability }: Architecture): string {
  const member = type === 'tf32' ? 'float value;' : 'unsigned short bits;'
  const [from, to] = conversions(type, compute_capability >= 80)
  return [
    `struct ${type} {`, `  ${member}`, `  ${type}() = default;`,
    `  explicit ${inline} ${type}(float x) {`, ...from.map(line => `    ${line}`), '  }',
    `  explicit ${inline} operator float() const {`, ...to.map(line => `    ${line}`), '  }', '};'
  ].join('\n')
}

/**
 * The bodies of the conversions from and to `float`, to the nearest: of ties to even, for tf32 away from zero.
 * `native`: sm_80 and newer have instructions for bf16 and tf32.
 */
function conversions(type: SmallFloat, native: boolean): readonly [readonly string[], readonly string[]] {
  switch (type) {
    case 'f16': return [
      ['asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));'],
      ['float x;', 'asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));', 'return x;']
    ]
    case 'bf16': return [
      native
        ? ['asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));']
        : [
          'const unsigned wide = *(const unsigned *)&x;',
          'bits = x == x ? (wide + 0x7fff + (wide >> 16 & 1)) >> 16 : 0x7fff;'
        ],
      ['const unsigned wide = unsigned(bits) << 16;', 'return *(const float *)&wide;']
    ]
    case 'tf32': return [
      native
        ? [
          'unsigned rounded;', 'asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(x));',
          'value = *(const float *)&rounded;'
        ]
        : [
          'const unsigned rounded = (*(const unsigned *)&x + 0x1000) & 0xffffe000;',
          'value = x == x ? *(const float *)&rounded : x;'
        ],
      ['return value;']
    ]
  }
}

// ---------------------------------------------------------------- functions

function functionText(w: Exclude<Wrapper, { kind: 'type' }>, architecture: Architecture): string {
  switch (w.kind) {
    case 'arithmetic': return arithmeticText(w.type, w.operator, architecture)
    case 'shuffle': return shuffleText(w.type, w.shuffle)
    case 'atomic': return atomicText(w.type, w.scope, architecture)
    case 'floor': return floorText(w.type, w.operator)
    case 'rounded product': {
      const register = w.type === 'f32' ? 'f' : 'd'
      return define(cType(w.type), `mul_rn(${cType(w.type)} a, ${cType(w.type)} b)`, [
        '// a product that stays one: it is not contracted with a sum', `${cType(w.type)} product;`,
        `asm("mul.rn.${w.type} %0, %1, %2;" : "=${register}"(product) : "${register}"(a), "${register}"(b));`,
        'return product;'
      ])
    }
    case 'sine': return sineText(w.function)
    case 'trap': return define('void', 'trap()', ['asm volatile("trap;");'])
    case 'asynchronous copy': return asynchronousCopyText(w.bytes, w.guarded)
    case 'commit group': return define('void', 'commit_group()', ['asm volatile("cp.async.commit_group;" : : : "memory");'])
    case 'wait group':
      return `template <int pending>\n${define('void', 'wait_group()', [
        'asm volatile("cp.async.wait_group %0;" : : "n"(pending) : "memory");'
      ])}`
  }
}

function define(result: string, signature: string, body: readonly string[]): string {
  return `static ${inline} ${result} ${signature} {\n${body.map(line => `  ${line}\n`).join('')}}`
}

/** On f16 sums and products are the machine's; all else is computed in f32 and rounded, which gives the same. */
function arithmeticText(type: SmallFloat, operator: Arithmetic, { compute_capability }: Architecture): string {
  const two = `(${type} a, ${type} b)`
  const machine = (instruction: string) => [
    `${type} c;`, `asm("${instruction}.${type} %0, %1, %2;" : "=h"(c.bits) : "h"(a.bits), "h"(b.bits));`, 'return c;'
  ]
  switch (operator) {
    case '+': case '-': case '*': case '/': {
      const native = type === 'f16' ? { '+': 'add.rn', '-': 'sub.rn', '*': 'mul.rn', '/': undefined }[operator] : undefined
      return define(type, `operator${operator}${two}`,
        native === undefined ? [`return ${type}(float(a) ${operator} float(b));`] : machine(native))
    }
    case '<': case '<=': case '==': case '!=':
      return define('bool', `operator${operator}${two}`, [`return float(a) ${operator} float(b);`])
    case 'min': case 'max': {
      const native = type !== 'tf32' && compute_capability >= 80
      return define(type, `${operator}${two}`,
        native ? machine(operator) : [`return ${type}(f${operator}f(float(a), float(b)));`])
    }
    case 'negate':
      return define(type, `operator-(${type} a)`, [`return ${type}(-float(a));`])
  }
}

/** How a value of a type travels in registers: its C type there, the constraint of inline assembly, and both ways. */
function carrier(type: ElementName): {
  type: string
  constraint: string
  from: (x: string) => string
  to: (x: string) => string
} {
  const same = (x: string) => x
  switch (type) {
    case 'f32': return { type: 'float', constraint: 'f', from: same, to: same }
    case 'f64': return { type: 'double', constraint: 'd', from: same, to: same }
    case 'i32': case 'u32': return { type: cType(type), constraint: 'r', from: same, to: same }
    case 'i64': case 'u64': return { type: cType(type), constraint: 'l', from: same, to: same }
    case 'tf32': return { type: 'float', constraint: 'f', from: x => `${x}.value`, to: x => `tf32(${x})` }
    case 'f16': case 'bf16': return { type: 'unsigned short', constraint: 'h', from: x => `${x}.bits`, to: same }
    case 'i16': case 'i8': case 'u16': case 'u8': case 'bool':
      return { type: 'unsigned', constraint: 'r', from: x => `unsigned(${x})`, to: x => `(${cType(type)})${x}` }
  }
}

function shuffleText(type: ElementName, shuffle: 'shfl_xor_sync' | 'shfl_down_sync'): string {
  const instruction = shuffle === 'shfl_xor_sync' ? 'shfl.sync.bfly.b32' : 'shfl.sync.down.b32'
  const move = (to: string, from: string) => `${instruction} ${to}, ${from}, %2, 31, -1;`
  const c = cType(type)
  const signature = `${shuffle}(${c} value, unsigned distance)`
  if (type === 'f16' || type === 'bf16') {
    return define(c, signature, [
      `${c} result;`, 'asm volatile("{ .reg .b32 word; cvt.u32.u16 word, %1; "',
      `  "${move('word', 'word')} cvt.u16.u32 %0, word; }"`,
      '  : "=h"(result.bits) : "h"(value.bits), "r"(distance));', 'return result;'
    ])
  }
  const via = carrier(type)
  const assembly = via.constraint === 'd' || via.constraint === 'l'
    ? [
      '"{ .reg .b32 low, high; mov.b64 {low, high}, %1; "', `  "${move('low', 'low')} "`, `  "${move('high', 'high')} "`,
      '  "mov.b64 %0, {low, high}; }"'
    ]
    : [`"${move('%0', '%1')}"`]
  return define(c, signature, [
    `${via.type} result;`, `asm volatile(${assembly[0]}`, ...assembly.slice(1),
    `  : "=${via.constraint}"(result) : "${via.constraint}"(${via.from('value')}), "r"(distance));`,
    `return ${via.to('result')};`
  ])
}

/** Adds and gives the former value. Addresses are made those of one memory, for which there are faster instructions. */
function atomicText(type: ElementName, scope: 'shared' | 'global', { compute_capability }: Architecture): string {
  const c = cType(type)
  const address = `.reg .u64 address; cvta.to.${scope}.u64 address, %1;`
  const instruction = (() => {
    switch (type) {
      case 'f32': case 'f64': case 'u32': case 'u64': return `add.${type}`
      case 'i32': case 'i64': return `add.u${type.slice(1)}`
      case 'f16': return 'add.noftz.f16'
      case 'bf16': return compute_capability >= 90 ? 'add.noftz.bf16' : undefined
      case 'tf32': case 'i16': case 'i8': case 'u16': case 'u8': case 'bool': return undefined
    }
  })()
  const signature = `atomic_add_${scope}(${c} *element, ${c} value)`
  if (instruction !== undefined) {
    const { constraint, from } = carrier(type)
    return define(c, signature, [
      `${c} old;`, `asm volatile("{ ${address} "`, `  "atom.${scope}.${instruction} %0, [address], %2; }"`,
      `  : "=${constraint}"(${from('old')}) : "l"(element), "${constraint}"(${from('value')}) : "memory");`, 'return old;'
    ])
  }
  return exchangeText(type, signature, scope, address)
}

/** The same by compare and swap of the 32-bit word around the element, for what has no instruction. */
function exchangeText(type: ElementName, signature: string, scope: 'shared' | 'global', address: string): string {
  const c = cType(type)
  const [mask, old, bits] = type === 'tf32'
    ? ['0xffffffff', [`const ${c} old = *(const ${c} *)&seen;`], '*(const unsigned *)&sum']
    : type === 'bf16'
      ? ['0xffff', [`${c} old;`, 'old.bits = seen >> shift;'], 'sum.bits']
      : [type.endsWith('16') ? '0xffff' : '0xff', [`const ${c} old = (${c})(seen >> shift);`], '(sum & (mask >> shift))']
  const sum = isSmallFloat(type) ? `${c}(float(old) + float(value))` : 'old + value'
  return define(c, signature, [
    'unsigned *const word = (unsigned *)((unsigned long long)element & ~3ull);',
    'const unsigned shift = ((unsigned long long)element & 3) * 8;',
    `const unsigned mask = ${mask}u << shift;`,
    'unsigned seen = *(volatile unsigned *)word;',
    'for (;;) {',
    ...old.map(line => `  ${line}`),
    `  const ${c} sum = ${sum};`,
    `  const unsigned wanted = (seen & ~mask) | (${bits} << shift);`,
    '  unsigned found;',
    `  asm volatile("{ ${address} "`, `    "atom.${scope}.cas.b32 %0, [address], %2, %3; }"`,
    '    : "=r"(found) : "l"(word), "r"(seen), "r"(wanted) : "memory");',
    '  if (found == seen) return old;',
    '  seen = found;',
    '}'
  ])
}

/**
 * From global to shared memory without a register in between (sm_80); 16 bytes pass by the first cache. A source of no
 * bytes is not read: zeros arrive.
 */
function asynchronousCopyText(bytes: number, guarded: boolean): string {
  const cache = bytes === 16 ? 'cg' : 'ca'
  return define('void', `copy_async_${bytes}(void *to, const void *from${guarded ? ', bool inside' : ''})`, [
    'asm volatile("{ .reg .u64 to, from; cvta.to.shared.u64 to, %0; cvta.to.global.u64 from, %1; "',
    `  "cp.async.${cache}.shared.global [to], [from], ${bytes}${guarded ? ', %2' : ''}; }"`,
    `  : : "l"(to), "l"(from)${guarded ? `, "r"(inside ? ${bytes} : 0)` : ''} : "memory");`
  ])
}

/**
 * CUDA's `sinf` reduces large arguments with an array in local memory; this one needs none. `x` is brought to
 * -pi/4 .. pi/4: up to 2^16 by three parts of pi/2 (Cody and Waite), above by the product of its 24 bits with those 96
 * bits of 2/pi that decide on the quadrant and the fraction (Payne and Hanek, "Radian reduction for trigonometric
 * functions", 1983). Polynomials: S. L. Moshier, Cephes, sinf.c and cosf.c.
 */
const reductionText = `static __constant__ unsigned two_over_pi[7] = {
  0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041
};

// sin of x and three more quadrants, by the quadrant that comes first
${define('float', 'quarter_wave(float x, unsigned quadrant)', [
  'float angle;',
  'if (fabsf(x) < 65536.0f) {',
  '  const float turns = rintf(x * 0.63661977f);',
  '  angle = fmaf(turns, -1.57079637f, x);',
  '  angle = fmaf(turns, 4.37113883e-8f, angle);',
  '  angle = fmaf(turns, 1.71512451e-15f, angle);',
  '  quadrant += int(turns);',
  '} else {',
  '  const unsigned bits = *(const unsigned *)&x;',
  '  const unsigned mantissa = bits << 8 | 0x80000000;',
  '  const unsigned start = (bits >> 23 & 0xff) - 128;',
  '  const unsigned *const words = &two_over_pi[start / 32 % 4];',
  '  const unsigned high = ((unsigned long long)words[0] << 32 | words[1]) << start % 32 >> 32;',
  '  const unsigned middle = ((unsigned long long)words[1] << 32 | words[2]) << start % 32 >> 32;',
  '  const unsigned low = ((unsigned long long)words[2] << 32 | words[3]) << start % 32 >> 32;',
  '  const unsigned long long tail = (unsigned long long)mantissa * middle + ((unsigned long long)mantissa * low >> 32);',
  '  const unsigned long long turns = ((unsigned long long)(mantissa * high) << 32) + tail;',
  '  const long long part = (long long)(turns << 2);',
  '  const unsigned whole = unsigned(turns >> 62) + (part < 0);',
  '  angle = float(double(part) * (x < 0.0f ? -8.515303950216386e-20 : 8.515303950216386e-20));',
  '  quadrant += x < 0.0f ? -whole : whole;',
  '  if (!(fabsf(x) < INFINITY)) angle = NAN;',
  '}',
  'const float square = angle * angle;',
  'float wave;',
  'if (quadrant & 1) {',
  '  wave = fmaf(fmaf(fmaf(2.44331571e-5f, square, -1.38873163e-3f), square, 4.16666457e-2f), square, -0.5f);',
  '  wave = fmaf(wave, square, 1.0f);',
  '} else {',
  '  wave = fmaf(fmaf(-1.95152959e-4f, square, 8.3321609e-3f), square, -1.66666546e-1f);',
  '  wave = fmaf(wave * square, angle, angle);',
  '}',
  'return quadrant & 2 ? -wave : wave;'
])}`

function sineText(name: 'sin' | 'cos'): string {
  return define('float', `${name}_f32(float x)`, [`return quarter_wave(x, ${name === 'sin' ? 0 : 1});`])
}

/** C rounds quotients toward zero. */
function floorText(type: 'i32' | 'i64', operator: '/' | '%'): string {
  const c = cType(type)
  return operator === '/'
    ? define(c, `floor_div(${c} a, ${c} b)`, ['return a / b - (a % b != 0 && (a < 0) != (b < 0));'])
    : define(c, `floor_mod(${c} a, ${c} b)`, [
      `const ${c} rest = a % b;`, 'return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;'
    ])
}
