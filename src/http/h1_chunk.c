#include "http/h1_chunk.h"

#include "base/num.h"
#include "http/field_id.h"
#include "http/scan.h"

enum {
	DIGITS_MAX = 16,       /* hex digits of a size, leading zeros included */
	LINE_MAX = 1024,       /* bytes of one size line */
	EXTENSIONS_MAX = 4096, /* bytes of extensions over a whole body */
	TRAILERS_MAX = 64,
};

enum state {
	SIZE_FIRST, /* the first digit */
	SIZE,
	EXT_NAME_FIRST,
	EXT_NAME,
	EXT_VALUE_FIRST,
	EXT_VALUE,
	EXT_QUOTED,
	EXT_ESCAPED,
	EXT_QUOTED_END,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_FIRST, /* where a trailer line may begin */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
	END,
	BAD,
};

void h1_chunk_init(struct h1_chunk *c, uint32_t trailer_bytes_max)
{
	*c = (struct h1_chunk){ .state = SIZE_FIRST, .trailer_bytes_max = trailer_bytes_max };
}

static void bad(struct h1_chunk *c, const char *reason)
{
	c->state = BAD;
	c->reason = reason;
}

/* The byte must be WANTED; then the state is NEXT. */
static void expect(struct h1_chunk *c, char byte, char wanted, enum state next, const char *reason)
{
	if (byte != wanted)
		bad(c, reason);
	else
		c->state = (uint8_t)next;
}

static unsigned hex_value(char c)
{
	return scan_is(c, SCAN_DIGIT) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* Behind a complete size, extension name or value. */
static void after_part(struct h1_chunk *c, char byte, const char *reason)
{
	if (byte == ';')
		c->state = EXT_NAME_FIRST;
	else
		expect(c, byte, '\r', SIZE_LF, byte == '\n' ? "bare LF in chunk size" : reason);
}

static void size_digit(struct h1_chunk *c, char byte)
{
	/* More than INT64_MAX is a negative number to many a recipient. */
	if (++c->digits > DIGITS_MAX || c->left > INT64_MAX >> 4) {
		bad(c, "chunk size too large");
		return;
	}
	c->left = c->left << 4 | hex_value(byte);
	c->state = SIZE;
}

static void step_size(struct h1_chunk *c, char byte)
{
	if (scan_is(byte, SCAN_HEX))
		size_digit(c, byte);
	else if (c->state == SIZE_FIRST)
		bad(c, "invalid chunk size");
	else
		after_part(c, byte, "invalid chunk size");
}

static void step_token(struct h1_chunk *c, char byte, enum state inside)
{
	if (scan_is(byte, SCAN_TOKEN))
		c->state = (uint8_t)inside;
	else if (c->state != inside)
		bad(c, "invalid chunk extension");
	else if (inside == EXT_NAME && byte == '=')
		c->state = EXT_VALUE_FIRST;
	else
		after_part(c, byte, "invalid chunk extension");
}

static void step_quoted(struct h1_chunk *c, char byte)
{
	if (!scan_is(byte, SCAN_VALUE))
		bad(c, "invalid chunk extension");
	else if (byte == '"')
		c->state = EXT_QUOTED_END;
	else if (byte == '\\')
		c->state = EXT_ESCAPED;
}

static void step_extension(struct h1_chunk *c, char byte)
{
	if (++c->extension_bytes > EXTENSIONS_MAX) {
		bad(c, "chunk extensions too long");
		return;
	}
	switch ((enum state)c->state) {
	case EXT_NAME_FIRST:
	case EXT_NAME:
		step_token(c, byte, EXT_NAME);
		return;
	case EXT_VALUE_FIRST:
		if (byte == '"')
			c->state = EXT_QUOTED;
		else
			step_token(c, byte, EXT_VALUE);
		return;
	case EXT_VALUE:
		step_token(c, byte, EXT_VALUE);
		return;
	case EXT_QUOTED:
		step_quoted(c, byte);
		return;
	case EXT_ESCAPED:
		expect(c, byte, byte, EXT_QUOTED, NULL);
		if (!scan_is(byte, SCAN_VALUE))
			bad(c, "invalid chunk extension");
		return;
	default: /* EXT_QUOTED_END */
		after_part(c, byte, "invalid chunk extension");
	}
}

/* The size line is whole. */
static void begin_chunk(struct h1_chunk *c)
{
	c->state = c->left > 0 ? DATA : TRAILER_FIRST;
	c->digits = 0;
	c->line_bytes = 0;
}

static void step_size_line(struct h1_chunk *c, char byte)
{
	if (++c->line_bytes > LINE_MAX)
		bad(c, "chunk size line too long");
	else if (c->state <= SIZE)
		step_size(c, byte);
	else if (c->state < SIZE_LF)
		step_extension(c, byte);
	else if (byte != '\n')
		bad(c, "bare CR in chunk size");
	else
		begin_chunk(c);
}

static void step_data_end(struct h1_chunk *c, char byte)
{
	if (c->state == DATA_CR)
		expect(c, byte, '\r', DATA_LF, "no CRLF behind chunk data");
	else
		expect(c, byte, '\n', SIZE_FIRST, "no CRLF behind chunk data");
}

static void trailer_name_byte(struct h1_chunk *c, char byte)
{
	if (c->name_n < sizeof(c->name))
		c->name[c->name_n++] = byte;
	c->state = TRAILER_NAME;
}

static void step_trailer_name(struct h1_chunk *c, char byte)
{
	if (scan_is(byte, SCAN_TOKEN))
		trailer_name_byte(c, byte);
	else if (byte != ':' || c->state == TRAILER_FIRST)
		bad(c, "invalid trailer name");
	else if (!field_may_trail((struct str){ c->name, c->name_n }))
		bad(c, "forbidden trailer");
	else
		c->state = TRAILER_VALUE;
}

static void step_trailer_first(struct h1_chunk *c, char byte)
{
	c->name_n = 0;
	if (byte == '\r')
		c->state = END_LF;
	else if (++c->trailers > TRAILERS_MAX)
		bad(c, "too many trailers");
	else
		step_trailer_name(c, byte);
}

static void step_trailer(struct h1_chunk *c, char byte)
{
	if (++c->line_bytes > c->trailer_bytes_max) {
		bad(c, "trailers too large");
		return;
	}
	switch ((enum state)c->state) {
	case TRAILER_FIRST:
		step_trailer_first(c, byte);
		return;
	case TRAILER_NAME:
		step_trailer_name(c, byte);
		return;
	case TRAILER_VALUE:
		if (!scan_is(byte, SCAN_VALUE))
			expect(c, byte, '\r', TRAILER_LF, "control character in trailer");
		return;
	case TRAILER_LF:
		expect(c, byte, '\n', TRAILER_FIRST, "bare CR in trailer");
		return;
	default: /* END_LF */
		expect(c, byte, '\n', END, "bare CR in trailer");
	}
}

static void step(struct h1_chunk *c, char byte)
{
	if (c->state <= SIZE_LF)
		step_size_line(c, byte);
	else if (c->state <= DATA_LF)
		step_data_end(c, byte);
	else
		step_trailer(c, byte);
}

/* The part of this chunk's payload that is here. */
static size_t take_data(struct h1_chunk *c, size_t n)
{
	size_t part = c->left < n ? (size_t)c->left : n;
	c->left -= part;
	if (c->left == 0)
		c->state = DATA_CR;
	return part;
}

enum h1_chunk_event h1_chunk_next(struct h1_chunk *c, const char *in, size_t n, size_t *used,
				  const char **data, size_t *data_n)
{
	*used = 0;
	while (c->state < END && *used < n) {
		if (c->state == DATA) {
			*data = in + *used;
			*data_n = take_data(c, n - *used);
			*used += *data_n;
			return CHUNK_DATA;
		}
		step(c, in[*used]);
		*used += c->state != BAD;
	}
	if (c->state == BAD)
		return CHUNK_BAD;
	return c->state == END ? CHUNK_END : CHUNK_MORE;
}

size_t h1_chunk_size_line(char *to, uint64_t n)
{
	size_t digits = num_write_hex(to, n);
	to[digits] = '\r';
	to[digits + 1] = '\n';
	return digits + 2;
}
