/**
 * Names of the generated text: the source's, made legal in C++ and unique where they can be seen.
 *
 *     i, i (inside of the first's scope), float, batch_matmul.simt   ->   i, i_2, float_, batch_matmul_simt
 */

export interface Names {
  /** The name of something declared here, until the scope is left. */
  declare(thing: object, name: string): string
  /** The name of something that was declared. */
  of(thing: object): string
  enter(): void
  leave(): void
}

export function createNames(): Names {
  const given = new Map<object, string>()
  const visible = new Set<string>()
  const scopes: string[][] = [[]]
  return {
    declare(thing, wanted) {
      const base = legalName(wanted)
      let name = base
      for (let n = 2; visible.has(name); n++) name = `${base}_${n}`
      visible.add(name)
      scopes.at(-1)!.push(name)
      given.set(thing, name)
      return name
    },
    of(thing) {
      const name = given.get(thing)
      if (name === undefined) throw new Error('used where it is not declared')
      return name
    },
    enter() {
      scopes.push([])
    },
    leave() {
      for (const name of scopes.pop()!) visible.delete(name)
    }
  }
}

/** A name that C++ and CUDA leave to the program. */
function legalName(name: string): string {
  const spelled = name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d|_[_A-Z])/, 'x')
  return reserved.has(spelled) || spelled.includes('__') ? `${spelled.replace(/_+/g, '_')}_` : spelled
}

/** The same for a function, whose name must differ from those of CUDA's functions. */
export function legalFunctionName(name: string): string {
  const legal = legalName(name)
  return functions.has(legal) || /^(cuda|cu[A-Z])/.test(legal) ? `${legal}_` : legal
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Keywords of C++, and what the text itself calls. */
const reserved = words(`
  alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await
  co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do
  double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
  new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires restrict
  return short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try
  typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while xor xor_eq
  threadIdx blockIdx blockDim gridDim warpSize float2 float4 double2 uint2 uint4 INFINITY NAN NULL
  f16 bf16 tf32 shared_memory shfl_xor_sync shfl_down_sync atomic_add_shared atomic_add_global
  copy_async_4 copy_async_8 copy_async_16 commit_group wait_group floor_div floor_mod
  mul_rn trap sin_f32 cos_f32 quarter_wave two_over_pi abs llabs min max
  expf logf sqrtf rsqrtf tanhf erff powf floorf ceilf rintf sinf cosf fmaf fminf fmaxf fabsf
  exp log sqrt rsqrt tanh erf pow floor ceil rint sin cos fma fmin fmax fabs
`)

/** Of C and CUDA, without a prefix of their own. */
const functions = words(`
  main exit abort malloc free memset memcpy printf puts time clock signal index rindex div ldiv rand read write open close
  exp2 exp10 expm1 log2 log10 log1p cbrt rcbrt sinh cosh tan asin acos atan atan2 asinh acosh atanh sincos sinpi cospi
  erfc erfinv erfcx round lround trunc nearbyint fmod remainder hypot norm rnorm ldexp frexp scalbn modf logb ilogb
  copysign nextafter fdim j0 j1 jn y0 y1 yn gamma lgamma tgamma normcdf saturate assert isnan isinf isfinite signbit
  umin umax mul24 dot cross select
`)
