/*
 * The TLS settings of a service and of a pool, as the config says them: paths, not bytes. The files
 * that they name are in the secrets of the generation (conf/secrets.h), under the same paths.
 */
#ifndef NEAP_CONF_CONF_TLS_H
#define NEAP_CONF_CONF_TLS_H

#include <stdbool.h>
#include <stdint.h>

/* As the wire has them (RFC 8446 section 4.2.1). */
enum conf_tls_version { CONF_TLS_1_2 = 0x0303, CONF_TLS_1_3 = 0x0304 };

/* Paths as the config's folder makes them. Texts are owned; NULL: not given. */
struct conf_tls_certificate {
	char *where;	   /* the table with these keys, for errors: "tls.certificates[2]" */
	char *certificate; /* the chain; a path that ends in "/" is a folder of them */
	char *key;	   /* NULL: it is in the certificate's file (a folder has its own) */
	char *ocsp;	   /* an answer of the CA, to be stapled */
};

enum conf_tls_verify { CONF_TLS_VERIFY_NONE, CONF_TLS_VERIFY_REQUEST, CONF_TLS_VERIFY_REQUIRE };

/* What clients must show. */
struct conf_tls_client {
	enum conf_tls_verify verify;
	char *ca, *crl; /* ca: given unless verify is NONE */
	uint32_t depth; /* intermediates between leaf and root */
};

/* Certificates got by the agent (RFC 8555). */
struct conf_tls_acme {
	bool on;
	bool tls_alpn; /* challenge = "tls-alpn-01" */
	char *storage; /* a folder */
	char *ca;      /* whom the CA's own server is verified by; NULL: the system's */
	char **domains;
	unsigned domains_n;
};

/* Of a service. */
struct conf_tls {
	bool on;     /* false: none of the rest is set */
	char *where; /* the config's key: "services[1].tls" */
	struct conf_tls_certificate *certificates;
	unsigned certificates_n;
	bool self_signed; /* one more, made at start (conf/secrets.h) */
	bool is_strict;	  /* sni = "strict" */
	enum conf_tls_version min_version, max_version;
	char *ciphers, *ciphersuites,
		*groups; /* as OpenSSL takes them; NULL: Mozilla's intermediate */
	struct conf_tls_client client;
	bool tickets;	   /* sessions are resumed */
	char *ticket_keys; /* a file of 80 bytes a key; NULL: keys of our own */
	struct conf_tls_acme acme;
};

/* Of a pool: how https:// and tls:// backends are spoken to. */
struct conf_pool_tls {
	char *where;	   /* the config's key: "pools.app.tls" */
	bool skips_verify; /* verify = false */
	char *ca;	   /* NULL: the system's */
	char *server_name; /* NULL: the backend's name */
	char *certificate,
		*key; /* ours, for backends that ask; key NULL: in the certificate's file */
	enum conf_tls_version min_version;
	bool is_ambiguous; /* the service's certificate beside it may be meant for backends */
};

/* Free all that they point to (not t itself) and zero it. */
void conf_tls_fini(struct conf_tls *t);
void conf_pool_tls_fini(struct conf_pool_tls *t);

/* Adds all settings to the digest. */
void conf_tls_digest(uint64_t *digest, const struct conf_tls *t);
void conf_pool_tls_digest(uint64_t *digest, const struct conf_pool_tls *t);

#endif
