/*
 * What the compiler needs to be told, and the only file with function-like macros.
 */
#ifndef NEAP_BASE_CC_H
#define NEAP_BASE_CC_H

#include <stddef.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define countof(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of TYPE whose MEMBER is at PTR. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* printf checking: the format is argument F, its values start at A. */
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* A view of a string literal, without its terminating zero. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

/* The same for the initialiser of a static object, where gcc takes no compound literal. */
#define STR_INIT(literal)                      \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

/* 1 when compiled with AddressSanitizer (gcc says it with a macro, clang with a feature). */
#if defined(__SANITIZE_ADDRESS__)
#define CC_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CC_ASAN 1
#endif
#endif
#ifndef CC_ASAN
#define CC_ASAN 0
#endif

/* Symbols that Lua finds by name through FFI; everything else is hidden. */
#define NEAP_API __attribute__((visibility("default"), used))

#endif
