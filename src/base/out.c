#include "base/out.h"

#include "base/num.h"

void out_init(struct out *o, char *memory, size_t cap)
{
	*o = (struct out){ .p = memory, .cap = cap };
}

void out_u64(struct out *o, uint64_t v)
{
	char digits[20];
	out_str(o, (struct str){ digits, num_write_u64(digits, v) });
}
