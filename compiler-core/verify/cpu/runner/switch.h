// Fibers: a switch from one stack to another by hand, on x86-64 and arm64.
#pragma once
#include <string.h>

// Saves what a call preserves on the own stack, keeps that stack's pointer, and goes on with another.
extern "C" void heddle_switch(void **save, void *resume);
#if defined(__x86_64__)
asm(R"(
.text
.type heddle_switch, @function
heddle_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size heddle_switch, . - heddle_switch
)");

/** Popped by the first switch: six registers and where to go; a function expects the pointer at 8 mod 16. */
static void *fresh_stack(char *end, void (*start)()) {
  void **top = (void **)end;
  *--top = nullptr;
  *--top = (void *)start;
  for (int i = 0; i < 6; i++) *--top = nullptr;
  return top;
}
#elif defined(__aarch64__)
asm(R"(
.text
.type heddle_switch, %function
heddle_switch:
  stp x29, x30, [sp, #-160]!
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #16]
  ldp x21, x22, [sp, #32]
  ldp x23, x24, [sp, #48]
  ldp x25, x26, [sp, #64]
  ldp x27, x28, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x29, x30, [sp], #160
  ret
.size heddle_switch, . - heddle_switch
)");

/** Restored by the first switch: x29, then x30, to which it returns. */
static void *fresh_stack(char *end, void (*start)()) {
  void **top = (void **)end - 20;
  memset(top, 0, 160);
  top[1] = (void *)start;
  return top;
}
#else
#error "no switch between fibers for this processor"
#endif
