/*
 * What a peer of HTTP/2 sends when it plays what the fuzzer wrote, and how what is sent to it is looked
 * at. The first byte of an input says how it is read: as bytes that come as they are, or as a script of
 * frames whose lengths are right, so that what is wrong is wrong further in.
 */
#ifndef NEAP_FUZZ_H2_WIRE_H
#define NEAP_FUZZ_H2_WIRE_H

#include "base/num.h"
#include "fuzz.h"

enum {
	SCRIPT_RAW = 1,	     /* bits of the first byte */
	SCRIPT_NO_HELLO = 2, /* neither preface nor SETTINGS are put before it */
	SCRIPT_BYTES = 4,    /* it comes byte by byte */
	SCRIPT_MAX = 4096,   /* of an input */
	WIRE_MAX = SCRIPT_MAX * 9 + 64,
	FRAME_MAX = 16384,
};

struct wire {
	char bytes[WIRE_MAX];
	size_t n;
};

static inline void wire_put(struct wire *w, const void *p, size_t n)
{
	must(w->n + n <= sizeof(w->bytes));
	if (n > 0)
		memcpy(w->bytes + w->n, p, n);
	w->n += n;
}

static inline void wire_frame(struct wire *w, uint8_t type, uint8_t flags, uint32_t id,
			      const void *payload, size_t n)
{
	const uint8_t head[9] = {
		0,	    (uint8_t)(n >> 8),	 (uint8_t)n,	      type,
		flags,	    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
		(uint8_t)id
	};
	wire_put(w, head, sizeof(head));
	wire_put(w, payload, n);
}

/* Ops of four bytes: type, flags, stream, length of what follows. */
static inline void wire_script(struct wire *w, struct str in)
{
	while (in.n >= 4) {
		const uint8_t *op = (const uint8_t *)in.p;
		size_t n = op[3] < in.n - 4 ? op[3] : in.n - 4;
		uint8_t type = op[0] % 11 == 10 ? 16 : op[0] % 11;
		wire_frame(w, type, op[1], op[2], in.p + 4, n);
		in.p += 4 + n;
		in.n -= 4 + n;
	}
}

/* What the input says that comes. */
static inline void wire_read(struct wire *w, const uint8_t *data, size_t size, bool from_client)
{
	struct str preface = STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	struct str in = { (const char *)data + 1, size - 1 };
	w->n = 0;
	if ((data[0] & SCRIPT_NO_HELLO) == 0) {
		if (from_client)
			wire_put(w, preface.p, preface.n);
		wire_frame(w, 4, 0, 0, NULL, 0);
	}
	if ((data[0] & SCRIPT_RAW) != 0)
		wire_put(w, in.p, in.n);
	else
		wire_script(w, in);
}

/* What a session sends: whole frames of a size that anybody takes, SETTINGS first. */
struct output {
	char head[9];
	size_t head_n, left;
	size_t preface_left; /* of a client */
	uint64_t frames;
	uint8_t type, flags; /* of the last one that began */
	uint32_t id;
};

static inline void output_frame(struct output *o)
{
	const uint8_t *h = (const uint8_t *)o->head;
	o->left = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
	o->head_n = 0;
	must(o->left <= FRAME_MAX && h[3] <= 10 && (h[5] & 0x80) == 0);
	must(o->frames++ > 0 || h[3] == 4);
	o->type = h[3];
	o->flags = h[4];
	o->id = (uint32_t)h[5] << 24 | (uint32_t)h[6] << 16 | (uint32_t)h[7] << 8 | h[8];
}

static inline void output_look(struct output *o, const char *p, size_t n)
{
	while (n > 0) {
		size_t *left = o->preface_left > 0 ? &o->preface_left : &o->left;
		size_t skip = n < *left ? n : *left;
		*left -= skip;
		p += skip;
		n -= skip;
		if (n > 0 && o->left == 0) {
			o->head[o->head_n++] = *p++;
			n--;
		}
		if (o->head_n == sizeof(o->head))
			output_frame(o);
	}
}

#endif
