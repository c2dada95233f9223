/* What happened lately, for the agent's Lua. */
#include "script/abi_history.h"

#include <stddef.h>
#include <string.h>

#include "script/policies.h"
#include "shm/board_history.h"
#include "shm/row_history.h"

_Static_assert(sizeof(neap_history_row) <= HISTORY_LONG_BYTES, "a row has room");
_Static_assert(offsetof(neap_history_row, minute) <= HISTORY_SHORT_BYTES, "a row has room");

NEAP_API uint32_t neap_history_used(uint32_t is_short)
{
	return board_history_used(policies_board(), is_short != 0);
}

NEAP_API neap_history_row *neap_history_row_at(uint32_t is_short, uint32_t i)
{
	return board_history_row(policies_board(), is_short != 0, i);
}

NEAP_API neap_history_row *neap_history_add(uint32_t is_short)
{
	return board_history_add(policies_board(), is_short != 0);
}

static void add_backend(neap_backend_counts *to, const neap_backend_counts *one)
{
	to->inflight += one->inflight;
	to->requests += one->requests;
	to->failures += one->failures;
	for (unsigned i = 0; i < countof(to->answers); i++)
		to->answers[i] += one->answers[i];
	to->first_byte.sum_us += one->first_byte.sum_us;
	for (unsigned i = 0; i < countof(to->first_byte.bucket); i++)
		to->first_byte.bucket[i] += one->first_byte.bucket[i];
}

NEAP_API void neap_count_backends(const int32_t *slots, uint32_t n, neap_backend_counts *to)
{
	neap_backend_counts one;

	memset(to, 0, sizeof(*to));
	for (uint32_t i = 0; i < n; i++) {
		neap_count_backend(slots[i], &one);
		add_backend(to, &one);
	}
}
