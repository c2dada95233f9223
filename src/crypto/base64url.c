#include "crypto/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { SIX_BITS = 63 };

static void write_char(struct out *out, uint32_t bits)
{
	out_str(out, (struct str){ alphabet + (bits & SIX_BITS), 1 });
}

void base64url_write(struct out *out, struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	uint32_t held = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		held = (held << 8 | p[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			write_char(out, held >> (bits - 6));
	}
	if (bits > 0)
		write_char(out, held << (6 - bits));
}

/* The six bits of a character, or -1. */
static int bits_of(char c)
{
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at == NULL ? -1 : (int)(at - alphabet);
}

enum err base64url_read(struct out *out, struct str text, struct error *e)
{
	uint32_t held = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < text.n; i++) {
		int six = bits_of(text.p[i]);

		if (six < 0)
			return err_set(e, ERR_INVALID, "its character %zu is none of base64url",
				       i + 1);
		held = (held << 6 | (uint32_t)six) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			char byte = (char)(held >> (bits - 8) & 0xff);

			out_str(out, (struct str){ &byte, 1 });
			bits -= 8;
		}
	}
	if (bits == 6 || (held & ((1u << bits) - 1)) != 0)
		return err_set(e, ERR_INVALID, "it ends in the middle of a byte");
	return ERR_OK;
}
