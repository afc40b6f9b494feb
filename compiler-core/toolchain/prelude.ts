/**
 * What stands before a CUDA text that goes straight to cicc: the few declarations that such a text needs of the 1.3 MB
 * which nvcc puts before every file.
 *
 *     extern "C" __global__ void main(...) { ... threadIdx.x ... expf(x) ... }
 *     ->  #define __global__ ...   uint3 extern const threadIdx;   float expf(float);   #line 1   extern "C" ...
 *
 * A text that needs more is no error: it goes to nvcc instead. That both ways give the same PTX is shown by a test.
 */

const builtin = '__attribute__((device_builtin))'
const imported = `extern "C" __attribute__((device)) ${builtin}`
const inline = 'inline __attribute__((device)) __attribute__((always_inline))'

const macros = `
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __forceinline__ __inline__ __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __align__(n) __attribute__((aligned(n)))
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
`

/** Element type, name of the vector type without its number of elements. */
const vectorElements: readonly (readonly [string, string, number])[] = [
  ['signed char', 'char', 1], ['unsigned char', 'uchar', 1], ['short', 'short', 2], ['unsigned short', 'ushort', 2],
  ['int', 'int', 4], ['unsigned int', 'uint', 4], ['long long', 'longlong', 8], ['unsigned long long', 'ulonglong', 8],
  ['float', 'float', 4], ['double', 'double', 8]
]

/** Of 2 and 4 elements, up to 16 bytes. */
function vectorTypes(): string {
  return vectorElements.flatMap(([element, name, bytes]) => [2, 4].filter(lanes => lanes * bytes <= 16).map(lanes => {
    const fields = ['x', 'y', 'z', 'w'].slice(0, lanes), type = `${name}${lanes}`
    const parameters = fields.map(f => `${element} ${f}`).join(', ')
    return `struct ${builtin} __attribute__((aligned(${lanes * bytes}))) ${type} { ${element} ${fields.join(', ')}; };\n`
      + `${inline} ${type} make_${type}(${parameters}) { ${type} v; ${fields.map(f => `v.${f} = ${f};`).join(' ')} return v; }\n`
  })).join('')
}

const variables = `
struct ${builtin} uint3 { unsigned int x, y, z; };
struct ${builtin} dim3 { unsigned int x, y, z; };
uint3 ${builtin} extern const threadIdx;
uint3 ${builtin} extern const blockIdx;
dim3 ${builtin} extern const blockDim;
dim3 ${builtin} extern const gridDim;
int ${builtin} extern const warpSize;
`

/** Of one, two and three arguments; for `float` with an `f` behind the name. */
const mathFunctions: readonly (readonly [number, string])[] = [
  [1, 'exp exp2 log log2 sqrt rsqrt sin cos tanh erf fabs floor ceil trunc round rint'],
  [2, 'pow fmin fmax fmod'],
  [3, 'fma']
]

function mathDeclarations(): string {
  return mathFunctions.flatMap(([count, names]) => names.split(' ').flatMap(name => [['float', 'f'], ['double', '']].map(
    ([type, suffix]) => `${imported} ${type} ${name}${suffix}(${Array.from({ length: count }, () => type).join(', ')});\n`
  ))).join('')
}

/** `min` and `max` choose by the type of their operands, as nvcc's do. */
function extremes(): string {
  const types = [['int', ''], ['unsigned int', 'u'], ['long long', 'll'], ['unsigned long long', 'ull']] as const
  return ['min', 'max'].flatMap(name => types.map(([type, prefix]) => {
    const declared = `${imported} ${type} ${prefix}${name}(${type}, ${type});\n`
    return prefix === '' ? declared
      : `${declared}${inline} ${type} ${name}(${type} a, ${type} b) { return ${prefix}${name}(a, b); }\n`
  })).join('')
}

const functions = `
${imported} void __syncthreads(void);
${imported} void __trap(void);
${imported} int abs(int);
${imported} long long llabs(long long);
${imported} int __float_as_int(float);
${imported} unsigned int __float_as_uint(float);
${imported} float __int_as_float(int);
${imported} float __uint_as_float(unsigned int);
${imported} long long __double_as_longlong(double);
${imported} double __longlong_as_double(long long);
`

/** C++ for cicc, which has a preprocessor of its own. */
export const prelude = [macros, variables, vectorTypes(), mathDeclarations(), extremes(), functions].join('')
