#include "base/utf8.h"

#include <stdbool.h>

/* U+061C, U+200E and F, U+2028 to 202E, U+2066 to 2069. */
static bool steers_text(const unsigned char *p)
{
	if (p[0] == 0xD8)
		return p[1] == 0x9C;
	if (p[0] != 0xE2 || (p[1] != 0x80 && p[1] != 0x81))
		return false;
	return p[1] == 0x80 ? p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE)
			    : p[2] >= 0xA6 && p[2] <= 0xA9;
}

size_t utf8_printable(const char *text, size_t left)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xBF; /* the bounds of the second byte */
	size_t n;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7F;
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	if (p[0] == 0xC2 || p[0] == 0xE0)
		low = 0xA0;
	else if (p[0] == 0xF0)
		low = 0x90;
	else if (p[0] == 0xED)
		high = 0x9F;
	else if (p[0] == 0xF4)
		high = 0x8F;
	if (n > left || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	}
	return steers_text(p) ? 0 : n;
}
