/*
 * A TLS ClientHello: it is judged the same however it comes, what it names is a host's name, and all
 * that was noted lies within it.
 */
#include "fuzz.h"
#include "net/ja4.h"

static enum client_hello_result read_cut(const uint8_t *data, size_t size, size_t step,
					 struct client_hello *h)
{
	struct client_hello_progress progress = { 0 };
	enum client_hello_result result = CLIENT_HELLO_MORE;
	for (size_t n = 0; result == CLIENT_HELLO_MORE && n <= size;) {
		char *p = exact(data, n);
		result = client_hello_read(&progress, p, n, h);
		free(p);
		if (n == size)
			break;
		n = n + step < size ? n + step : size;
	}
	return result;
}

static void must_be_name(const char *sni)
{
	for (; *sni != '\0'; sni++)
		must(*sni > ' ' && *sni < 127 && (*sni < 'A' || *sni > 'Z'));
}

static void look(const struct client_hello *h, const uint8_t *data, size_t size)
{
	char ja4[JA4_CHARS + 1];
	char *p = exact(data, size);
	char *alpn = malloc(h->alpn.n + 1);
	must(alpn != NULL && h->alpn.n < size);
	client_hello_copy(&h->alpn, p, alpn);
	must_be_name(h->sni);
	must(h->is_excessive || (ja4_write(ja4, h, p) && strlen(ja4) == JA4_CHARS));
	free(alpn);
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_hello whole, part;
	enum client_hello_result result = read_cut(data, size, size + 1, &whole);
	size_t step = size < 2048 ? 1 : size / 512;
	must(read_cut(data, size, step, &part) == result);
	if (result == CLIENT_HELLO_BAD)
		must(whole.reason == part.reason);
	if (result != CLIENT_HELLO_DONE)
		return 0;
	must(strcmp(whole.sni, part.sni) == 0 &&
	     memcmp(&whole.alpn, &part.alpn, sizeof(whole.alpn)) == 0);
	look(&whole, data, size);
	return 0;
}
