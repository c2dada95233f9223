/* The coding gzip (RFC 1952), over zlib. An encoder takes 264 KiB. */
#ifndef NEAP_CODING_GZIP_H
#define NEAP_CODING_GZIP_H

#include "coding/encoder_ops.h"

extern const struct encoder_ops gzip_ops; /* levels 1 to 9 */

#endif
