#include "base/num.h"

bool num_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	if (b > UINT64_MAX - a)
		return false;
	*out = a + b;
	return true;
}

bool num_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	if (a != 0 && b > UINT64_MAX / a)
		return false;
	*out = a * b;
	return true;
}

/* The value of a digit in either base, 255 for anything else. */
static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	char lower = str_lower_char(c);
	if (lower >= 'a' && lower <= 'f')
		return (unsigned)(lower - 'a') + 10;
	return 255;
}

static bool parse_base(struct str s, unsigned base, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = digit_of(s.p[i]);

		if (digit >= base || digit > max || v > (max - digit) / base)
			return false;
		v = v * base + digit;
	}
	*out = v;
	return true;
}

bool num_parse_u64(struct str s, uint64_t max, uint64_t *out)
{
	return parse_base(s, 10, max, out);
}

bool num_parse_hex(struct str s, uint64_t max, uint64_t *out)
{
	return parse_base(s, 16, max, out);
}

uint32_t num_ms_of_seconds(double seconds)
{
	/* What is less than a nanosecond is noise of the multiplication (0.07 × 1000 > 70). */
	const double noise_ms = 1e-6;
	double ms = seconds * 1000;

	if (!(ms > 0)) /* NaN too */
		return 0;
	if (ms >= (double)UINT32_MAX)
		return UINT32_MAX;
	uint32_t whole = (uint32_t)ms;
	if (whole == 0 || ms - whole > noise_ms)
		whole++;
	return whole;
}

static size_t write_base(char *to, uint64_t v, unsigned base)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v > 0);
	for (size_t i = 0; i < n; i++)
		to[i] = digits[n - 1 - i];
	return n;
}

size_t num_write_u64(char *to, uint64_t v)
{
	return write_base(to, v, 10);
}

size_t num_write_hex(char *to, uint64_t v)
{
	return write_base(to, v, 16);
}
