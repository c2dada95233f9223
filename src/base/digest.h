/* Hashes that are not for secrets, the same in Lua (lua/neap/testing/digest.lua). */
#ifndef NEAP_BASE_DIGEST_H
#define NEAP_BASE_DIGEST_H

#include <stddef.h>

/* 32 bits of two numbers of 32 bits, as a number. */
double digest_pair(double a, double b);

/* 32 bits of the bytes, as a number; another one for each seed, a whole number. */
double digest_bytes(const char *bytes, size_t n, double seed);

#endif
