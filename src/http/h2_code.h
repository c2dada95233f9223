/*
 * Error codes of HTTP/2 (RFC 9113 §7) that neap and nghttp2 send.
 */
#ifndef NEAP_HTTP_H2_CODE_H
#define NEAP_HTTP_H2_CODE_H

enum h2_code {
	H2_NO_ERROR = 0,
	H2_PROTOCOL_ERROR = 1,
	H2_INTERNAL_ERROR = 2,
	H2_FLOW_CONTROL_ERROR = 3,
	H2_STREAM_CLOSED = 5,
	H2_FRAME_SIZE_ERROR = 6,
	H2_REFUSED_STREAM = 7,
	H2_CANCEL = 8,
	H2_COMPRESSION_ERROR = 9,
	H2_CONNECT_ERROR = 10,
	H2_ENHANCE_YOUR_CALM = 11,
	H2_HTTP_1_1_REQUIRED = 13,
};

/* What a backend did on whose connection neap found this error; a constant. */
const char *h2_code_words(unsigned code);

#endif
