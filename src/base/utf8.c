#include "base/utf8.h"

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
	return n;
}
