/* The chunked coding: cut anywhere, and what was taken out can be coded and taken out again. */
#include "fuzz.h"
#include "http/h1_chunk.h"

struct decoded {
	struct h1_chunk chunk;
	enum h1_chunk_event event;
	char payload[8192];
	size_t payload_n, used;
};

static void feed(struct decoded *d, const char *bytes, size_t n)
{
	char *copy = exact(bytes, n);
	size_t at = 0;
	do {
		const char *data = NULL;
		size_t used = 0, data_n = 0;
		d->event = h1_chunk_next(&d->chunk, copy + at, n - at, &used, &data, &data_n);
		at += used;
		if (d->event == CHUNK_DATA) {
			must(data >= copy && data_n > 0 && data + data_n <= copy + n);
			memcpy(d->payload + d->payload_n, data, data_n);
			d->payload_n += data_n;
		}
	} while (d->event == CHUNK_DATA);
	must(at <= n && (d->event != CHUNK_MORE || at == n));
	d->used += at;
	free(copy);
}

static void decode(struct decoded *d, struct str in, size_t cut)
{
	memset(d, 0, sizeof(*d));
	h1_chunk_init(&d->chunk, 256);
	feed(d, in.p, cut);
	if (d->event == CHUNK_MORE)
		feed(d, in.p + cut, in.n - cut);
}

static void must_code_again(const struct decoded *d)
{
	static struct decoded again;
	char memory[8300];
	struct out o;
	out_init(&o, memory, sizeof(memory));
	if (d->payload_n > 0) {
		o.n += h1_chunk_size_line(memory, d->payload_n);
		out_str(&o, (struct str){ d->payload, d->payload_n });
		out_str(&o, STR("\r\n"));
	}
	out_str(&o, STR("0\r\n\r\n"));
	decode(&again, (struct str){ o.p, o.n }, o.n / 2);
	must(again.event == CHUNK_END && again.used == o.n && again.payload_n == d->payload_n);
	must(memcmp(again.payload, d->payload, d->payload_n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoded whole, cut;
	struct str in = { (const char *)data, size };
	if (size > sizeof(whole.payload))
		return -1;
	decode(&whole, in, size);
	for (size_t at = 0; at < size; at += 1 + size / 16) {
		decode(&cut, in, at);
		must(cut.event == whole.event && cut.used == whole.used &&
		     cut.chunk.reason == whole.chunk.reason && cut.payload_n == whole.payload_n &&
		     memcmp(cut.payload, whole.payload, whole.payload_n) == 0);
	}
	if (whole.event == CHUNK_END)
		must_code_again(&whole);
	return 0;
}
