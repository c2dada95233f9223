/*
 * Keys of datagrams: whatever comes, a key is no longer than its room and made of the datagram's own
 * bytes, and the same bytes give the same key.
 */
#include "net/datagram_key.h"

#include "fuzz.h"

/* The same, from memory of its own size: a byte beyond its end is noticed. */
static uint32_t read_exact(uint32_t kind, uint32_t length, const uint8_t *data, size_t size,
			   char *to)
{
	char *bytes = exact(data, size);
	uint32_t n = datagram_key_read(kind, length, bytes, size, to);
	must(n <= DATAGRAM_KEY_MAX);
	free(bytes);
	return n;
}

static void must_be_part(const uint8_t *data, size_t size, const char *key, uint32_t n)
{
	must(n == 0 || memmem(data, size, key, n) != NULL);
}

static void check_source(const uint8_t *data, size_t size)
{
	char *bytes = exact(data, size);
	struct str id = datagram_quic_source((struct str){ bytes, size });
	must(id.n <= DATAGRAM_KEY_QUIC_MAX);
	must(id.n == 0 || (id.p > bytes && id.p + id.n <= bytes + size));
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	uint32_t length = data[0] % 32;
	data++;
	size--;
	for (uint32_t kind = DATAGRAM_KEY_NONE; kind <= DATAGRAM_KEY_SIP + 1; kind++) {
		char first[DATAGRAM_KEY_MAX], second[DATAGRAM_KEY_MAX];
		uint32_t n = read_exact(kind, length, data, size, first);
		must(n == read_exact(kind, length, data, size, second));
		must(memcmp(first, second, n) == 0);
		if (kind != DATAGRAM_KEY_DNS)
			must_be_part(data, size, first, n);
		if (kind == DATAGRAM_KEY_QUIC)
			must(n <= DATAGRAM_KEY_QUIC_MAX);
	}
	check_source(data, size);
	return 0;
}
