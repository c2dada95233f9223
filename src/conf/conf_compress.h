/* `compress` of a service: which of its answers are compressed, and how. Part of conf.h. */
#ifndef NEAP_CONF_CONF_COMPRESS_H
#define NEAP_CONF_CONF_COMPRESS_H

#include <stdint.h>

enum { CONF_CODINGS_MAX = 3, CONF_TYPES_MAX = 256 };

struct conf_compress {
	uint8_t codings[CONF_CODINGS_MAX]; /* enum coding, the preferred one first */
	uint8_t levels[CONF_CODINGS_MAX];  /* of each of them */
	unsigned codings_n;		   /* 0: nothing is compressed */
	char **types;			   /* patterns of media types (http/media.h) */
	unsigned types_n;
	uint32_t min_bytes;
	uint32_t answers; /* at a time, per worker */
};

#endif
