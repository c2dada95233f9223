/*
 * Answers of DNS servers: whatever comes, the text is whole lines of the form that the type has, with
 * no more of them than the answer could hold.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns_records.h"

enum { LINES_BYTES = 65536, RECORD_LEAST = 11 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lines(const struct out *out, enum dns_type type, size_t size)
{
	size_t lines = 0;

	if (out->n > 0 && out->p[out->n - 1] != '\n')
		abort();
	for (size_t i = 0; i < out->n; i++) {
		if (out->p[i] == '\n')
			lines++;
		else if (type != DNS_SRV && strchr("0123456789abcdef:.", out->p[i]) == NULL)
			abort();
	}
	if (lines > size / RECORD_LEAST)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV };
	static char memory[LINES_BYTES];
	struct error e;

	/* Memory of its own, so that a byte beyond its end is noticed. */
	char *answer = malloc(size == 0 ? 1 : size);
	if (answer == NULL)
		return 0;
	if (size > 0)
		memcpy(answer, data, size);
	for (size_t i = 0; i < countof(types); i++) {
		struct out out;
		int64_t ttl_s;

		out_init(&out, memory, sizeof(memory));
		enum err err =
			dns_records_write((struct str){ answer, size }, types[i], &out, &ttl_s, &e);
		if (ttl_s < -1 || ttl_s > INT32_MAX)
			abort();
		if (err == ERR_OK)
			check_lines(&out, types[i], size);
	}
	free(answer);
	return 0;
}
