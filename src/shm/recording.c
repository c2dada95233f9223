#include "shm/recording.h"

#include <string.h>
#include <sys/mman.h>

#include "shm/board.h"

static uint32_t current_number(const struct board *b)
{
	return atomic_load_explicit(&b->recording.number, memory_order_acquire);
}

/* Lines that an earlier recording left. */
static void empty_ring(struct recording_ring *ring)
{
	atomic_store_explicit(&ring->taken,
			      atomic_load_explicit(&ring->written, memory_order_acquire),
			      memory_order_release);
}

bool recording_start(struct board *b, int64_t now_ms, uint32_t ms, uint32_t requests,
		     struct str redact, const uint8_t key[RECORDING_KEY_BYTES])
{
	struct recording *r = &b->recording;

	if (current_number(b) != 0 && now_ms >= atomic_load(&r->until_ms) + RECORDING_GRACE_MS)
		recording_stop(b);
	if (current_number(b) != 0 || !str_copy(r->redact, sizeof(r->redact), redact))
		return false;
	for (unsigned i = 0; i < BOARD_WORKERS_MAX; i++)
		empty_ring(&b->recording_rings[i]);
	memcpy(r->key, key, sizeof(r->key));
	atomic_store(&r->until_ms, now_ms + ms);
	atomic_store(&r->left, requests);
	r->wanted = requests;
	atomic_store(&r->lost, 0);
	if (++r->last == 0)
		r->last = 1;
	atomic_store_explicit(&r->number, r->last, memory_order_release);
	return true;
}

static void copy_out(const struct recording_ring *ring, uint64_t from, char *to, size_t n)
{
	size_t at = from % RECORDING_BYTES;
	size_t first = n < RECORDING_BYTES - at ? n : RECORDING_BYTES - at;

	memcpy(to, ring->bytes + at, first);
	memcpy(to + first, ring->bytes, n - first);
}

static size_t take_ring(struct recording_ring *ring, char *to, size_t room)
{
	uint64_t from = atomic_load_explicit(&ring->taken, memory_order_relaxed);
	size_t n = (size_t)(atomic_load_explicit(&ring->written, memory_order_acquire) - from);

	if (n == 0)
		return 0;
	if (n > room)
		n = room;
	copy_out(ring, from, to, n);
	const char *end = n == 0 ? NULL : memrchr(to, '\n', n);
	n = end == NULL ? 0 : (size_t)(end - to) + 1;
	atomic_store_explicit(&ring->taken, from + n, memory_order_release);
	return n;
}

size_t recording_take(struct board *b, char *to, size_t room)
{
	size_t n = 0;

	for (unsigned i = 0; i < BOARD_WORKERS_MAX; i++)
		n += take_ring(&b->recording_rings[i], to + n, room - n);
	return n;
}

void recording_stop(struct board *b)
{
	atomic_store(&b->recording.number, 0);
	for (unsigned i = 0; i < BOARD_WORKERS_MAX; i++) {
		struct recording_ring *ring = &b->recording_rings[i];
		if (atomic_load(&ring->written) == 0)
			continue; /* never touched */
		empty_ring(ring);
		/* Whole pages only; what it cannot give back stays. */
		uintptr_t from = ((uintptr_t)ring->bytes + 65535) & ~(uintptr_t)65535;
		uintptr_t to = ((uintptr_t)ring->bytes + RECORDING_BYTES) & ~(uintptr_t)65535;
		(void)madvise((void *)from, to - from, MADV_REMOVE);
	}
}

bool recording_is_over(const struct board *b, int64_t now_ms)
{
	return now_ms >= atomic_load(&b->recording.until_ms) ||
	       atomic_load(&b->recording.left) <= 0;
}

uint64_t recording_begun(const struct board *b)
{
	int64_t left = atomic_load(&b->recording.left);

	return (uint64_t)(b->recording.wanted - (left > 0 ? left : 0));
}

uint32_t recording_begin(struct board *b, int64_t now_ms)
{
	struct recording *r = &b->recording;
	uint32_t number = current_number(b);
	int64_t until_ms = atomic_load_explicit(&r->until_ms, memory_order_relaxed);

	if (number != 0 && now_ms >= until_ms + RECORDING_GRACE_MS)
		(void)atomic_compare_exchange_strong(&r->number, &number, 0);
	if (number == 0 || now_ms >= until_ms ||
	    atomic_load_explicit(&r->left, memory_order_relaxed) <= 0 ||
	    atomic_fetch_sub_explicit(&r->left, 1, memory_order_relaxed) <= 0)
		return 0;
	return number;
}

bool recording_add(struct board *b, unsigned worker, uint32_t number, struct str line)
{
	struct recording_ring *ring = &b->recording_rings[worker];
	uint64_t at = atomic_load_explicit(&ring->written, memory_order_relaxed);
	uint64_t waits = at - atomic_load_explicit(&ring->taken, memory_order_acquire);

	if (number != current_number(b) || waits + line.n > RECORDING_BYTES)
		return false;
	size_t first = RECORDING_BYTES - at % RECORDING_BYTES;
	if (first > line.n)
		first = line.n;
	memcpy(ring->bytes + at % RECORDING_BYTES, line.p, first);
	memcpy(ring->bytes, line.p + first, line.n - first);
	atomic_store_explicit(&ring->written, at + line.n, memory_order_release);
	return true;
}

void recording_lost(struct board *b)
{
	atomic_fetch_add_explicit(&b->recording.lost, 1, memory_order_relaxed);
}
