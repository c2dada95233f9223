/*
 * The certificates that services show, for those who look after them: what they are called and when
 * they end. Nothing secret. Changed by board_certificate.c.
 */
#ifndef NEAP_SHM_ROW_CERTIFICATE_H
#define NEAP_SHM_ROW_CERTIFICATE_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_CERTIFICATES_MAX = 1024 };

struct board_certificate {
	int64_t not_after; /* seconds since 1970 */
	uint32_t service;  /* its number in the config */
	char name[128];	   /* the first that it is for; "": none */
	char file[256];	   /* its path, cut at the front */
};

struct board_certificates {
	_Atomic uint32_t n; /* rows below it are whole */
	struct board_certificate of[BOARD_CERTIFICATES_MAX];
};

#endif
