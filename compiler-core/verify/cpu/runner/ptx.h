// What PTX instructions compute, bit by bit: the functions that assembly.ts calls for instructions of values.
//
//     add.rn.f16 c, a, b;   ->   c = ptx_add_rn_f16(a, b);
//
// Stands behind device.h. Source: PTX ISA 8.5, chapter 9. What is no number has the canonical bits: 0x7fff, 0x7fffffff.
#pragma once

template <class To, class From>
static __forceinline__ To heddle_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "a register is as wide as what it holds");
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

template <class To, class From>
static __forceinline__ void heddle_set(To &to, From from) {
  to = heddle_bits<To>(from);
}

// A 16-bit float of the text, or its tf32, from what is read of it.
template <class Small>
static __forceinline__ Small heddle_of(unsigned short bits) {
  Small small;
  small.bits = bits;
  return small;
}

template <class Small>
static __forceinline__ Small heddle_of(float value) {
  Small small;
  small.value = value;
  return small;
}

// ---------------------------------------------------------------- conversions

// Ties to even. 65520 is half way between the greatest number and the one that would come next.
static __forceinline__ uint16_t ptx_cvt_rn_f16_f32(float x) {
  const uint32_t bits = heddle_bits<uint32_t>(x), magnitude = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
  if (magnitude > 0x7f800000) return 0x7fff;
  if (magnitude >= 0x477ff000) return uint16_t(sign | 0x7c00);
  // below 2^-14 numbers lie as dense as those of f32 above 0.5
  if (magnitude < 0x38800000) {
    return uint16_t(sign | (heddle_bits<uint32_t>(heddle_bits<float>(magnitude) + 0.5f) - 0x3f000000));
  }
  return uint16_t(sign | ((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

static __forceinline__ float ptx_cvt_f32_f16(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16, magnitude = h & 0x7fff;
  if (magnitude > 0x7c00) return heddle_bits<float>(0x7fffffffu);
  if (magnitude == 0x7c00) return heddle_bits<float>(sign | 0x7f800000);
  if (magnitude < 0x400) return heddle_bits<float>(sign | heddle_bits<uint32_t>(float(magnitude) * 0x1p-24f));
  return heddle_bits<float>(sign | ((magnitude << 13) + 0x38000000));
}

static __forceinline__ float heddle_wide(uint16_t bf16) {
  return heddle_bits<float>(uint32_t(bf16) << 16);
}

// Ties to even.
static __forceinline__ uint16_t ptx_cvt_rn_bf16_f32(float x) {
  const uint32_t bits = heddle_bits<uint32_t>(x);
  return x != x ? 0x7fff : uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Ties away from zero.
static __forceinline__ uint32_t ptx_cvt_rna_tf32_f32(float x) {
  return x != x ? 0x7fffffff : (heddle_bits<uint32_t>(x) + 0x1000) & 0xffffe000;
}

static __forceinline__ uint32_t ptx_cvt_u32_u16(uint16_t x) { return x; }
static __forceinline__ uint16_t ptx_cvt_u16_u32(uint32_t x) { return uint16_t(x); }

// ---------------------------------------------------------------- arithmetic

// f32 has more than twice the digits of f16, so that rounding twice is rounding once (Figueroa, "When is double
// rounding innocuous?", 1995).
static __forceinline__ uint16_t ptx_add_rn_f16(uint16_t a, uint16_t b) {
  return ptx_cvt_rn_f16_f32(ptx_cvt_f32_f16(a) + ptx_cvt_f32_f16(b));
}
static __forceinline__ uint16_t ptx_sub_rn_f16(uint16_t a, uint16_t b) {
  return ptx_cvt_rn_f16_f32(ptx_cvt_f32_f16(a) - ptx_cvt_f32_f16(b));
}
static __forceinline__ uint16_t ptx_mul_rn_f16(uint16_t a, uint16_t b) {
  return ptx_cvt_rn_f16_f32(ptx_cvt_f32_f16(a) * ptx_cvt_f32_f16(b));
}

// The product passes through a register that the compiler cannot look into, so it is not contracted with a sum.
static __forceinline__ float ptx_mul_rn_f32(float a, float b) {
  uint32_t product = heddle_bits<uint32_t>(a * b);
  asm("" : "+r"(product));
  return heddle_bits<float>(product);
}
static __forceinline__ double ptx_mul_rn_f64(double a, double b) {
  uint64_t product = heddle_bits<uint64_t>(a * b);
  asm("" : "+r"(product));
  return heddle_bits<double>(product);
}

// The other operand where one is no number; -0 is less than 0. Of 16 bits each, with their values as f32.
static __forceinline__ uint16_t heddle_min(uint16_t a, float x, uint16_t b, float y) {
  if (x != x) return y != y ? 0x7fff : b;
  if (y != y) return a;
  return x == y ? a | b : x < y ? a : b;
}
static __forceinline__ uint16_t heddle_max(uint16_t a, float x, uint16_t b, float y) {
  if (x != x) return y != y ? 0x7fff : b;
  if (y != y) return a;
  return x == y ? a & b : x < y ? b : a;
}
static __forceinline__ uint16_t ptx_min_f16(uint16_t a, uint16_t b) {
  return heddle_min(a, ptx_cvt_f32_f16(a), b, ptx_cvt_f32_f16(b));
}
static __forceinline__ uint16_t ptx_max_f16(uint16_t a, uint16_t b) {
  return heddle_max(a, ptx_cvt_f32_f16(a), b, ptx_cvt_f32_f16(b));
}
static __forceinline__ uint16_t ptx_min_bf16(uint16_t a, uint16_t b) {
  return heddle_min(a, heddle_wide(a), b, heddle_wide(b));
}
static __forceinline__ uint16_t ptx_max_bf16(uint16_t a, uint16_t b) {
  return heddle_max(a, heddle_wide(a), b, heddle_wide(b));
}
