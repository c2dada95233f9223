/*
 * Checked numbers: arithmetic on input that cannot wrap, and strict parsing. No sign, no blanks,
 * no locale; the whole view must be the number. All return false and leave *out alone on failure.
 */
#ifndef NEAP_BASE_NUM_H
#define NEAP_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Sum and product. False: it is no uint64_t. */
bool num_add_u64(uint64_t a, uint64_t b, uint64_t *out);
bool num_mul_u64(uint64_t a, uint64_t b, uint64_t *out);

/* Decimal digits only, at least one, value ≤ max. */
bool num_parse_u64(struct str s, uint64_t max, uint64_t *out);

/* Hexadecimal digits only, either case, at least one, value ≤ max. */
bool num_parse_hex(struct str s, uint64_t max, uint64_t *out);

/* Seconds with fractions → milliseconds, rounded up, at least 1 for anything above 0; saturates. */
uint32_t num_ms_of_seconds(double seconds);

/* Writes the decimal digits of V to TO (20 bytes are enough), not zero terminated; their count. */
size_t num_write_u64(char *to, uint64_t v);

/* The same in lower-case hexadecimal digits, without leading zeros (16 bytes are enough). */
size_t num_write_hex(char *to, uint64_t v);

#endif
