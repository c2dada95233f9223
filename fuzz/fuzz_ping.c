/*
 * Replies to a ping: what is accepted carries the mark, whatever else is in it; a reply that was
 * changed in any byte that matters is not.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/ping.h"

enum { IP_MAX = 60, HEAD = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct ping_mark *m, const uint8_t *data, size_t size)
{
	if (!ping_is_reply(m, data, size))
		return;
	if (size < PING_BYTES || size > PING_BYTES + IP_MAX ||
	    memcmp(data + size - PING_NONCE, m->nonce, PING_NONCE) != 0)
		abort();
	uint8_t changed[PING_BYTES + IP_MAX];
	for (size_t at = size - PING_NONCE; at < size; at++) {
		memcpy(changed, data, size);
		changed[at] ^= 1;
		if (ping_is_reply(m, changed, size))
			abort();
	}
	if (ping_is_reply(m, data, size - 1))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ping_mark m = { .sent = 3 };
	uint8_t request[PING_BYTES];

	if (size < HEAD)
		return 0;
	m.is_v6 = (data[0] & 1) != 0;
	m.is_raw = (data[0] & 2) != 0;
	m.id = (uint16_t)(data[1] << 8 | data[2]);
	/* So that the nonce can be met: it is the end of the input. */
	if (size > PING_NONCE)
		memcpy(m.nonce, data + size - PING_NONCE, PING_NONCE);
	ping_write(request, &m);
	look(&m, request, sizeof(request)); /* our own request, as a raw socket sees it */
	look(&m, data + 3, size - 3);
	return 0;
}
