#include "net/tls_dial.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "crypto/fault.h"
#include "net/addr.h"

enum { NAME_BYTES = 256 };

/*
 * Without a trailing dot, and without the zone of an IPv6 address. One that begins with a dot is no
 * name: OpenSSL would take a certificate for anything that ends so.
 */
static bool tidy_name(char to[NAME_BYTES], const char *name)
{
	struct str s = str_of(name);
	const char *zone = memchr(s.p, '%', s.n);

	if (zone != NULL)
		s.n = (size_t)(zone - s.p);
	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	return s.n > 0 && s.p[0] != '.' && str_copy(to, NAME_BYTES, s);
}

static bool expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
	struct addr a;

	if (addr_of_ip(&a, str_of(name), 0))
		return X509_VERIFY_PARAM_set1_ip_asc(p, name) == 1;
	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return SSL_set_tlsext_host_name(ssl, name) == 1 &&
	       X509_VERIFY_PARAM_set1_host(p, name, 0) == 1;
}

static bool offer(SSL *ssl, struct str alpn)
{
	return alpn.n == 0 ||
	       SSL_set_alpn_protos(ssl, (const unsigned char *)alpn.p, (unsigned)alpn.n) == 0;
}

SSL *tls_dial_open(const struct tls_goal *goal)
{
	char name[NAME_BYTES];
	SSL *ssl = tls_context_open(goal->context);

	if (ssl == NULL)
		return NULL;
	if (!tidy_name(name, goal->name) || !expect_name(ssl, name) || !offer(ssl, goal->alpn)) {
		fault_drop();
		SSL_free(ssl);
		return NULL;
	}
	if (goal->sessions != NULL)
		tls_sessions_use(goal->sessions, ssl);
	return ssl;
}
