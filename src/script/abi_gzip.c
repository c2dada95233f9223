/* Answers of the admin side as gzip. */
#include "script/abi_gzip.h"

#include <stdlib.h>

#include "coding/encoder.h"
#include "http/accept_encoding.h"
#include "script/policies.h"

enum { GZIP_LEVEL = 1 }; /* checks wait while the agent does this */

NEAP_API uint32_t neap_gzip_is_taken(const char *value, size_t n)
{
	struct accept_weights w = { ACCEPT_UNSAID, ACCEPT_UNSAID };

	accept_encoding_read(&w, (struct str){ value, n }, coding_name(CODING_GZIP));
	return accept_encoding_weight(&w) > 0;
}

NEAP_API uint32_t neap_gzip(const char *text, size_t n)
{
	static char *bytes; /* of the call before: Lua has copied it */
	struct encode_io io = { .in = text, .in_n = n, .out_n = n };
	struct encoder e;

	free(bytes);
	bytes = io.out = malloc(n + 1);
	if (bytes == NULL || !encoder_init(&e, CODING_GZIP, GZIP_LEVEL))
		return 0;
	bool is_whole = encoder_run(&e, ENCODE_END, &io) == ENCODE_DONE;
	encoder_fini(&e);
	io_give(&policies_current()->cos.io, bytes, n - io.out_n);
	return is_whole;
}
