/*
 * Idle connections of HTTP/2: opens them, gets one answer on each, prints "ready", and holds them
 * until stdin ends.
 *
 * usage: h2_hold [-t] -c CONNECTIONS PORT PATH      -t: TLS, ALPN h2
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_HEAD = 9, PAYLOAD_MAX = 65536, PATH_MAX_BYTES = 100 };

enum { TYPE_DATA, TYPE_HEADERS, TYPE_SETTINGS = 4, TYPE_GOAWAY = 7 };

enum { FLAG_ACK = 1, FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4 };

struct held {
	int fd;
	SSL *ssl; /* NULL: no TLS */
};

static SSL_CTX *ctx;

static bool put(const struct held *h, const void *bytes, size_t n)
{
	const char *p = bytes;
	while (n > 0) {
		ssize_t sent = h->ssl != NULL ? SSL_write(h->ssl, p, (int)n) : write(h->fd, p, n);
		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

static bool get(const struct held *h, void *bytes, size_t n)
{
	char *p = bytes;
	while (n > 0) {
		ssize_t came = h->ssl != NULL ? SSL_read(h->ssl, p, (int)n) : read(h->fd, p, n);
		if (came <= 0)
			return false;
		p += came;
		n -= (size_t)came;
	}
	return true;
}

static bool dial(struct held *h, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	h->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (h->fd < 0 || connect(h->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return false;
	if (ctx == NULL)
		return true;
	h->ssl = SSL_new(ctx);
	return h->ssl != NULL && SSL_set_fd(h->ssl, h->fd) == 1 && SSL_connect(h->ssl) == 1;
}

/* GET of the path, its fields by HPACK's static table and as plain literals. */
static size_t write_request(char *to, const char *path)
{
	const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	const char authority[] = "\1\7a.bench";
	size_t at = sizeof(start), path_n = strlen(path);
	memcpy(to, start, sizeof(start)); /* with the last zero of SETTINGS' stream */
	size_t block_n = 2 + 2 + path_n + sizeof(authority) - 1;
	const char head[FRAME_HEAD] = {
		0, 0, (char)block_n, TYPE_HEADERS, FLAG_END_STREAM | FLAG_END_HEADERS, 0, 0, 0, 1
	};
	memcpy(to + at, head, sizeof(head));
	at += sizeof(head);
	to[at++] = (char)0x82; /* :method GET */
	to[at++] = (char)(ctx != NULL ? 0x87 : 0x86);
	to[at++] = 4; /* :path */
	to[at++] = (char)path_n;
	memcpy(to + at, path, path_n);
	at += path_n;
	memcpy(to + at, authority, sizeof(authority) - 1);
	return at + sizeof(authority) - 1;
}

/* Reads to the end of the answer, and acknowledges SETTINGS. */
static bool get_answer(const struct held *h)
{
	static char payload[PAYLOAD_MAX];
	static const char ack[FRAME_HEAD] = { 0, 0, 0, TYPE_SETTINGS, FLAG_ACK };
	unsigned char head[FRAME_HEAD];
	while (get(h, head, sizeof(head))) {
		size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
		if (n > sizeof(payload) || !get(h, payload, n) || head[3] == TYPE_GOAWAY)
			return false;
		if (head[3] == TYPE_SETTINGS && head[4] == 0 && !put(h, ack, sizeof(ack)))
			return false;
		if (head[3] <= TYPE_HEADERS && (head[4] & FLAG_END_STREAM) != 0)
			return true;
	}
	return false;
}

static void use_tls(void)
{
	static const unsigned char h2[] = "\2h2";
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || SSL_CTX_set_alpn_protos(ctx, h2, 3) != 0)
		exit(1);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
}

int main(int argc, char **argv)
{
	char request[64 + FRAME_HEAD + PATH_MAX_BYTES * 2];
	int option, errors = 0;
	long n = 1;
	while ((option = getopt(argc, argv, "tc:")) != -1) {
		if (option == 't')
			use_tls();
		else if (option == 'c')
			n = strtol(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 2 || n < 1 || strlen(argv[optind + 1]) > PATH_MAX_BYTES)
		return 2;
	size_t request_n = write_request(request, argv[optind + 1]);
	for (long i = 0; i < n; i++) {
		struct held h = { -1, NULL };
		if (!dial(&h, (int)strtol(argv[optind], NULL, 10)) ||
		    !put(&h, request, request_n) || !get_answer(&h))
			errors++;
	}
	(void)printf("ready\n");
	(void)fflush(stdout);
	while (read(0, request, sizeof(request)) > 0)
		;
	(void)printf("{\"errors\":%d}\n", errors);
	return 0;
}
