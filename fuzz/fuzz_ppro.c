/*
 * The PROXY protocol header: a prefix never decides otherwise than the whole, and what is
 * accepted lies within its bounds.
 */
#include <stdint.h>
#include <stdlib.h>

#include "net/ppro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ppro whole, part;
	enum ppro_result result = ppro_parse(&whole, (const char *)data, size);

	if (result == PPRO_DONE &&
	    (whole.bytes == 0 || whole.bytes > size || whole.bytes > PPRO_V2_MAX))
		abort();
	if (result == PPRO_BAD && whole.reason == NULL)
		abort();
	for (size_t n = 0; n < size && n < 300; n++) {
		enum ppro_result early = ppro_parse(&part, (const char *)data, n);
		if (early == PPRO_BAD && result != PPRO_BAD)
			abort();
		if (early == PPRO_DONE && (result != PPRO_DONE || part.bytes != whole.bytes))
			abort();
	}
	return 0;
}
