#include "http/h1_chunk.h"

#include "base/num.h"
#include "http/field_id.h"
#include "http/scan.h"

enum {
	DIGITS_MAX = 16,       /* hex digits of a size, leading zeros included */
	QUICK_DIGITS = 15,     /* of a size that needs no look at its bounds */
	LINE_MAX = 1024,       /* bytes of one size line */
	EXTENSIONS_MAX = 4096, /* bytes of extensions over the whole body of a request */
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
	EXT_NAME_END, /* blanks after a name, a size or a value: in answers only */
	PART_END,
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

static void refuse_chunk(struct h1_chunk *c, const char *reason)
{
	c->state = BAD;
	c->reason = reason;
}

/* The byte must be WANTED; then the state is NEXT. */
static void expect_byte_then(struct h1_chunk *c, char byte, char wanted, enum state next,
			     const char *reason)
{
	if (byte != wanted)
		refuse_chunk(c, reason);
	else
		c->state = (uint8_t)next;
}

static unsigned digit_value(char c)
{
	return scan_is(c, SCAN_DIGIT) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* Blanks that a server may not send, but some do: a copy leaves them out. */
static bool leave_out_blank(struct h1_chunk *c, char byte, enum state next)
{
	if (!c->is_answer || (byte != ' ' && byte != '\t'))
		return false;
	c->state = (uint8_t)next;
	c->drop = 1;
	return true;
}

/* After a complete size, extension name or value. */
static void after_part(struct h1_chunk *c, char byte, const char *reason)
{
	if (leave_out_blank(c, byte, PART_END))
		return;
	if (byte == ';')
		c->state = EXT_NAME_FIRST;
	else
		expect_byte_then(c, byte, '\r', SIZE_LF,
				 byte == '\n' ? "bare LF in chunk size" : reason);
}

static void size_digit(struct h1_chunk *c, char byte)
{
	/* More than INT64_MAX is a negative number to many a recipient. */
	if (++c->digits > DIGITS_MAX || c->left > INT64_MAX >> 4) {
		refuse_chunk(c, "chunk size too large");
		return;
	}
	c->left = c->left << 4 | digit_value(byte);
	c->state = SIZE;
}

static void step_size(struct h1_chunk *c, char byte)
{
	if (scan_is(byte, SCAN_HEX))
		size_digit(c, byte);
	else if (c->state == SIZE_FIRST)
		refuse_chunk(c, "invalid chunk size");
	else
		after_part(c, byte, "invalid chunk size");
}

static void after_name(struct h1_chunk *c, char byte)
{
	if (byte == '=')
		c->state = EXT_VALUE_FIRST;
	else if (!leave_out_blank(c, byte, EXT_NAME_END))
		after_part(c, byte, "invalid chunk extension");
}

static void step_token(struct h1_chunk *c, char byte, enum state inside)
{
	if (scan_is(byte, SCAN_TOKEN))
		c->state = (uint8_t)inside;
	else if (c->state != inside && leave_out_blank(c, byte, c->state))
		return;
	else if (c->state != inside)
		refuse_chunk(c, "invalid chunk extension");
	else if (inside == EXT_NAME)
		after_name(c, byte);
	else
		after_part(c, byte, "invalid chunk extension");
}

static void step_quoted(struct h1_chunk *c, char byte)
{
	if (!scan_is(byte, SCAN_VALUE))
		refuse_chunk(c, "invalid chunk extension");
	else if (byte == '"')
		c->state = EXT_QUOTED_END;
	else if (byte == '\\')
		c->state = EXT_ESCAPED;
}

static void step_extension(struct h1_chunk *c, char byte)
{
	if (++c->extension_bytes > EXTENSIONS_MAX && !c->is_answer) {
		refuse_chunk(c, "chunk extensions too long");
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
		expect_byte_then(c, byte, byte, EXT_QUOTED, NULL);
		if (!scan_is(byte, SCAN_VALUE))
			refuse_chunk(c, "invalid chunk extension");
		return;
	case EXT_NAME_END:
		after_name(c, byte);
		return;
	default: /* EXT_QUOTED_END, PART_END */
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
		refuse_chunk(c, "chunk size line too long");
	else if (c->state <= SIZE)
		step_size(c, byte);
	else if (c->state < SIZE_LF)
		step_extension(c, byte);
	else if (byte != '\n')
		refuse_chunk(c, "bare CR in chunk size");
	else
		begin_chunk(c);
}

static void step_data_end(struct h1_chunk *c, char byte)
{
	if (c->state == DATA_CR)
		expect_byte_then(c, byte, '\r', DATA_LF, "no CRLF behind chunk data");
	else
		expect_byte_then(c, byte, '\n', SIZE_FIRST, "no CRLF behind chunk data");
}

/* The beginning of a long name decides. */
static bool is_own_trailer(const struct h1_chunk *c, struct str name)
{
	struct str own = c->own != NULL ? str_of(c->own) : STR("");
	own.n = own.n > sizeof(c->name) ? sizeof(c->name) : own.n;
	return str_eq_nocase(name, own);
}

/* The name is known, as far as it matters: may the line stay? N bytes of it were consumed. */
static void judge_trailer(struct h1_chunk *c, size_t n)
{
	struct str name = { c->name, c->name_n };
	if (field_may_trail(name) && !is_own_trailer(c, name))
		return;
	if (!c->is_answer) {
		refuse_chunk(c, "forbidden trailer");
		return;
	}
	c->is_dropping = true;
	c->drop = (uint8_t)n;
}

static void trailer_name_byte(struct h1_chunk *c, char byte)
{
	c->state = TRAILER_NAME;
	if (c->name_n == sizeof(c->name))
		return;
	c->name[c->name_n++] = byte;
	if (c->name_n == sizeof(c->name))
		judge_trailer(c, c->name_n);
}

static void step_trailer_name(struct h1_chunk *c, char byte)
{
	if (scan_is(byte, SCAN_TOKEN)) {
		trailer_name_byte(c, byte);
	} else if (byte != ':' || c->state == TRAILER_FIRST) {
		refuse_chunk(c, "invalid trailer name");
	} else {
		c->state = TRAILER_VALUE;
		if (c->name_n < sizeof(c->name))
			judge_trailer(c, c->name_n + 1U);
	}
}

static void step_trailer_first(struct h1_chunk *c, char byte)
{
	c->name_n = 0;
	c->is_dropping = false;
	c->drop = 0;
	if (byte == '\r')
		c->state = END_LF;
	else if (++c->trailers > TRAILERS_MAX)
		refuse_chunk(c, "too many trailers");
	else
		step_trailer_name(c, byte);
}

static void step_trailer(struct h1_chunk *c, char byte)
{
	if (++c->line_bytes > c->trailer_bytes_max) {
		refuse_chunk(c, "trailers too large");
		return;
	}
	c->drop = c->is_dropping;
	switch ((enum state)c->state) {
	case TRAILER_FIRST:
		step_trailer_first(c, byte);
		return;
	case TRAILER_NAME:
		step_trailer_name(c, byte);
		return;
	case TRAILER_VALUE:
		if (!scan_is(byte, SCAN_VALUE))
			expect_byte_then(c, byte, '\r', TRAILER_LF, "control character in trailer");
		return;
	case TRAILER_LF:
		expect_byte_then(c, byte, '\n', TRAILER_FIRST, "bare CR in trailer");
		return;
	default: /* END_LF */
		expect_byte_then(c, byte, '\n', END, "bare CR in trailer");
	}
}

static void step_byte(struct h1_chunk *c, char byte)
{
	if (c->state <= SIZE_LF)
		step_size_line(c, byte);
	else if (c->state <= DATA_LF)
		step_data_end(c, byte);
	else
		step_trailer(c, byte);
}

/*
 * Nearly all size lines have no extensions, and they and the ends of chunks are mostly here as a
 * whole. How many bytes such a one has; 0: it is another one, to be read byte by byte.
 */
static size_t quick_line(struct h1_chunk *c, const char *p, size_t n)
{
	uint64_t size = 0;
	size_t i = 0;
	if (c->state == DATA_CR && n >= 2 && p[0] == '\r' && p[1] == '\n') {
		c->state = SIZE_FIRST;
		return 2;
	}
	if (c->state != SIZE_FIRST)
		return 0;
	for (; i < n && i < QUICK_DIGITS && scan_is(p[i], SCAN_HEX); i++)
		size = size << 4 | digit_value(p[i]);
	if (i == 0 || n - i < 2 || p[i] != '\r' || p[i + 1] != '\n')
		return 0;
	c->left = size;
	begin_chunk(c);
	return i + 2;
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
		size_t line = quick_line(c, in + *used, n - *used);
		*used += line;
		if (line > 0)
			continue;
		step_byte(c, in[*used]);
		*used += c->state != BAD;
		if (unlikely(c->drop > 0) && c->state != BAD) {
			*data_n = c->drop;
			*data = in + *used - *data_n;
			c->drop = 0;
			return CHUNK_DROP;
		}
	}
	if (c->state == BAD)
		return CHUNK_BAD;
	return c->state == END ? CHUNK_END : CHUNK_MORE;
}

size_t h1_chunk_held(const struct h1_chunk *c)
{
	bool is_judged = c->name_n == sizeof(c->name);
	return c->is_answer && c->state == TRAILER_NAME && !is_judged ? c->name_n : 0;
}

size_t h1_chunk_trailer_bytes(const struct h1_chunk *c)
{
	return c->state >= TRAILER_FIRST && c->state <= END ? c->line_bytes : 0;
}

bool h1_chunk_is_between(const struct h1_chunk *c)
{
	return c->state == SIZE_FIRST && c->line_bytes == 0;
}

size_t h1_chunk_size_line(char *to, uint64_t n)
{
	size_t digits = num_write_hex(to, n);
	to[digits] = '\r';
	to[digits + 1] = '\n';
	return digits + 2;
}
