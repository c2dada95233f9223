/* Recording of traffic, as the admin side asks for it. */
#include <string.h>
#include <sys/random.h>

#include "script/abi_record.h"
#include "script/policies.h"
#include "shm/board.h"
#include "shm/recording.h"

static int64_t loop_ms(void)
{
	return loop_now_ms(policies_current()->o.loop);
}

NEAP_API uint32_t neap_recording_start(uint32_t ms, uint32_t requests, const char *redact, size_t n)
{
	uint8_t key[RECORDING_KEY_BYTES];

	return getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
	       recording_start(policies_board(), loop_ms(), ms, requests, (struct str){ redact, n },
			       key);
}

NEAP_API void neap_recording_look(neap_recording *to)
{
	const struct recording *r = &policies_board()->recording;

	to->begun = (double)recording_begun(policies_board());
	to->lost = (double)atomic_load(&r->lost);
	to->is_on = atomic_load(&r->number) != 0;
	to->is_over = recording_is_over(policies_board(), loop_ms());
}

NEAP_API double neap_recording_take(char *to, double room)
{
	return (double)recording_take(policies_board(), to, (size_t)room);
}

NEAP_API void neap_recording_stop(void)
{
	recording_stop(policies_board());
}
