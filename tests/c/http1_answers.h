/* The answers that the reader takes, and those that it refuses. */
#ifndef HTTP1_ANSWERS_H
#define HTTP1_ANSWERS_H

#include "core/http1.h"

/* A message with its length, so that it may hold NUL. */
#define MESSAGE(literal) (literal), sizeof(literal) - 1

struct good {
    const char *what;
    const char *message;
    size_t len;
    enum ak_http1_method method;
    int status;
    enum ak_http1_framing framing;
    int keep_alive;
    const char *reason;
    const char *fields; /* of reader->head, behind the status line */
    const char *body;
    size_t rest; /* bytes beyond the answer */
};

#define LENGTH AK_HTTP1_OTHER, 200, AK_HTTP1_LENGTH
#define CHUNKED AK_HTTP1_OTHER, 200, AK_HTTP1_CHUNKED
#define UNTIL_EOF AK_HTTP1_OTHER, 200, AK_HTTP1_UNTIL_EOF
#define OK "HTTP/1.1 200 OK\r\n"
#define TE "Transfer-Encoding: chunked\r\n"
#define OK_TE OK TE "\r\n"

static const struct good good[] = {
    {"a length", MESSAGE(OK "Content-Length: 5\r\n\r\nhello"), LENGTH, 1, "OK",
     "Content-Length: 5\r\n", "hello", 0},
    {"a length of zero", MESSAGE(OK "Content-Length: 0\r\n\r\n"), LENGTH, 1, "OK",
     "Content-Length: 0\r\n", "", 0},
    {"bytes beyond the length", MESSAGE(OK "Content-Length: 2\r\n\r\nhello"), LENGTH, 1, "OK",
     "Content-Length: 2\r\n", "he", 3},
    {"equal lengths in a list", MESSAGE(OK "content-length: 5, 5\r\n\r\nhello"), LENGTH, 1, "OK",
     "content-length: 5, 5\r\n", "hello", 0},
    {"equal lengths in two fields",
     MESSAGE(OK "Content-Length:5\r\nContent-Length: 5\t\r\n\r\nhello"), LENGTH, 1, "OK",
     "Content-Length:5\r\nContent-Length: 5\t\r\n", "hello", 0},
    {"chunks", MESSAGE(OK_TE "5\r\nhello\r\n00A\r\n, world!!!\r\n0\r\n\r\n"), CHUNKED, 1, "OK", TE,
     "hello, world!!!", 0},
    {"chunk extensions", MESSAGE(OK_TE "5;a=\"b\"\r\nhello\r\n0 ; last\r\n\r\nX"), CHUNKED, 1, "OK",
     TE, "hello", 1},
    {"space behind a chunk's size", MESSAGE(OK_TE "5 \t\r\nhello\r\n0\r\n\r\n"), CHUNKED, 1, "OK",
     TE, "hello", 0},
    {"trailers", MESSAGE(OK_TE "0\r\nA: b\r\n c\r\nContent-Length: 9\r\n\r\n"), CHUNKED, 1, "OK",
     TE, "", 0},
    {"trailers with bare LF", MESSAGE(OK_TE "0\r\nA: b\n\n"), CHUNKED, 1, "OK", TE, "", 0},
    {"the coding in capitals", MESSAGE(OK "TRANSFER-ENCODING:\tCHUNKED \r\n\r\n0\r\n\r\n"), CHUNKED,
     1, "OK", "TRANSFER-ENCODING:\tCHUNKED \r\n", "", 0},
    {"the end of the connection", MESSAGE(OK "A: b\r\n\r\nall\r\nof it"), UNTIL_EOF, 0, "OK",
     "A: b\r\n", "all\r\nof it", 0},
    {"no field at all", MESSAGE(OK "\r\n"), UNTIL_EOF, 0, "OK", "", "", 0},
    {"HEAD", MESSAGE(OK "Content-Length: 5\r\n\r\nhello"), AK_HTTP1_HEAD, 200, AK_HTTP1_NO_BODY, 1,
     "OK", "Content-Length: 5\r\n", "", 5},
    {"HEAD of a chunked answer", MESSAGE(OK_TE), AK_HTTP1_HEAD, 200, AK_HTTP1_NO_BODY, 1, "OK", TE,
     "", 0},
    {"204", MESSAGE("HTTP/1.1 204 No Content\r\n\r\nX"), AK_HTTP1_OTHER, 204, AK_HTTP1_NO_BODY, 1,
     "No Content", "", "", 1},
    {"304", MESSAGE("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), AK_HTTP1_OTHER, 304,
     AK_HTTP1_NO_BODY, 1, "Not Modified", "Content-Length: 9\r\n", "", 0},
    {"no reason and no space", MESSAGE("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), LENGTH, 1, "",
     "Content-Length: 0\r\n", "", 0},
    {"no reason", MESSAGE("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), LENGTH, 1, "",
     "Content-Length: 0\r\n", "", 0},
    {"a reason that is not ASCII", MESSAGE("HTTP/1.1 200 \xe9t\xc3\xa9  ok \r\n\r\n"), UNTIL_EOF, 0,
     "\xe9t\xc3\xa9  ok ", "", "", 0},
    {"the highest status", MESSAGE("HTTP/1.1 999 \r\n\r\n"), AK_HTTP1_OTHER, 999,
     AK_HTTP1_UNTIL_EOF, 0, "", "", "", 0},
    {"a later minor version", MESSAGE("HTTP/1.7 200 OK\r\nContent-Length: 0\r\n\r\n"), LENGTH, 1,
     "OK", "Content-Length: 0\r\n", "", 0},
    {"Connection: close", MESSAGE(OK "Content-Length: 0\r\nConnection: Foo , CLOSE\r\n\r\n"),
     LENGTH, 0, "OK", "Content-Length: 0\r\nConnection: Foo , CLOSE\r\n", "", 0},
    {"close in a second field",
     MESSAGE(OK "Connection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), LENGTH,
     0, "OK", "Connection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n", "", 0},
    {"an option that only begins as close",
     MESSAGE(OK "Connection: closed\r\nContent-Length: 0\r\n\r\n"), LENGTH, 1, "OK",
     "Connection: closed\r\nContent-Length: 0\r\n", "", 0},
    {"HTTP/1.0", MESSAGE("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"), LENGTH, 0, "OK",
     "Content-Length: 1\r\n", "x", 0},
    {"HTTP/1.0 kept alive",
     MESSAGE("HTTP/1.0 200 OK\r\nConnection: ,Keep-Alive\r\nContent-Length: 1\r\n\r\nx"), LENGTH, 1,
     "OK", "Connection: ,Keep-Alive\r\nContent-Length: 1\r\n", "x", 0},
    {"bare LF", MESSAGE("HTTP/1.1 200 OK\nA: b\nContent-Length: 1\n\nx"), LENGTH, 1, "OK",
     "A: b\r\nContent-Length: 1\r\n", "x", 0},
    {"folded lines", MESSAGE(OK "A: b\r\n \t c \r\n\td\r\nContent-Length:\r\n 1\r\n\r\nx"), LENGTH,
     1, "OK", "A: b c  d\r\nContent-Length: 1\r\n", "x", 0},
    {"a folded line with nothing on it", MESSAGE(OK "A: b\n \n\r\n"), UNTIL_EOF, 0, "OK",
     "A: b \r\n", "", 0},
    {"empty values", MESSAGE(OK "A:\r\nB: \t\r\n\r\n"), UNTIL_EOF, 0, "OK", "A:\r\nB: \t\r\n", "",
     0},
    {"empty lines in front", MESSAGE("\r\n\n" OK "\r\n"), UNTIL_EOF, 0, "OK", "", "", 0},
    {"interim answers",
     MESSAGE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n"
             "Content-Length: 7\r\n\r\n" OK "Content-Length: 1\r\n\r\nx"),
     LENGTH, 1, "OK", "Content-Length: 1\r\n", "x", 0},
};

struct bad {
    const char *what;
    const char *message;
    size_t len;
    enum ak_status status;
    const char *says; /* a part of the error's message */
};

#define HEAD_ERROR AK_CONNECT_FAILED
#define BODY_ERROR AK_BAD_CHUNK

static const struct bad bad[] = {
    {"nothing", MESSAGE(""), HEAD_ERROR, "without an answer"},
    {"half a status line", MESSAGE("HTTP/1.1 20"), HEAD_ERROR, "inside the head"},
    {"half a head", MESSAGE(OK "Content-Length: 0\r\n"), HEAD_ERROR, "inside the head"},
    {"nothing behind an interim answer", MESSAGE("HTTP/1.1 100 \r\n\r\n"), HEAD_ERROR,
     "inside the head"},
    {"HTTP/0.9", MESSAGE("<html>\r\n"), HEAD_ERROR, "begins with '<html>': that is not HTTP"},
    {"another protocol that waits", MESSAGE("SSH-2.0-\x01'\\"), HEAD_ERROR, "begins with 'SSH-2"},
    {"lower case", MESSAGE("http/1.1 200 OK\r\n\r\n"), HEAD_ERROR, "not HTTP"},
    {"HTTP/2", MESSAGE("HTTP/2 200\r\n\r\n"), HEAD_ERROR, "HTTP/1.1 is needed"},
    {"HTTP/2.0", MESSAGE("HTTP/2.0 200\r\n\r\n"), HEAD_ERROR, "HTTP/1.1 is needed"},
    {"HTTP/1.10", MESSAGE("HTTP/1.10 200\r\n\r\n"), HEAD_ERROR, "HTTP/1.1 is needed"},
    {"no status", MESSAGE("HTTP/1.1\r\n\r\n"), HEAD_ERROR, "three digits"},
    {"two digits", MESSAGE("HTTP/1.1 20 OK\r\n\r\n"), HEAD_ERROR, "three digits"},
    {"four digits", MESSAGE("HTTP/1.1 1000 OK\r\n\r\n"), HEAD_ERROR, "three digits"},
    {"a sign", MESSAGE("HTTP/1.1 -10 OK\r\n\r\n"), HEAD_ERROR, "three digits"},
    {"two spaces", MESSAGE("HTTP/1.1  200 OK\r\n\r\n"), HEAD_ERROR, "three digits"},
    {"a status below 100", MESSAGE("HTTP/1.1 099 OK\r\n\r\n"), HEAD_ERROR, "below 100"},
    {"101", MESSAGE("HTTP/1.1 101 Switching Protocols\r\n\r\n"), HEAD_ERROR, "unasked"},
    {"too many empty lines", MESSAGE("\r\n\r\n\r\n\r\n\r\n" OK "\r\n"), HEAD_ERROR,
     "begins with ''"},
    {"NUL in the reason", MESSAGE("HTTP/1.1 200 O\0K\r\n\r\n"), HEAD_ERROR, "NUL byte in line 1"},
    {"CR in the reason", MESSAGE("HTTP/1.1 200 O\rK\r\n\r\n"), HEAD_ERROR,
     "CR without LF in line 1"},
    {"NUL in a value", MESSAGE(OK "A: secret\0\r\n\r\n"), HEAD_ERROR, "NUL byte in line 2"},
    {"CR in a value", MESSAGE(OK "A: secret\rB: c\r\n\r\n"), HEAD_ERROR, "CR without LF in line 2"},
    {"CR in front of CRLF", MESSAGE(OK "A: b\r\r\n\r\n"), HEAD_ERROR, "CR without LF in line 2"},
    {"CR in a folded line", MESSAGE(OK "A: b\r\n c\rd\r\n\r\n"), HEAD_ERROR, "in line 3"},
    {"CR on the empty line", MESSAGE(OK "\r\r\n"), HEAD_ERROR, "line 2 of the server's head"},
    {"no colon", MESSAGE(OK "Set-Cookie secret\r\n\r\n"), HEAD_ERROR,
     "line 2 of the server's head has no colon"},
    {"a space in front of the colon", MESSAGE(OK "A: b\r\nSecret : c\r\n\r\n"), HEAD_ERROR,
     "line 3 of the server's head has a space in front"},
    {"no name", MESSAGE(OK ": secret\r\n\r\n"), HEAD_ERROR, "no name"},
    {"a name that is no token", MESSAGE(OK "sec ret: b\r\n\r\n"), HEAD_ERROR, "no token"},
    {"a name that is not ASCII", MESSAGE(OK "S\xe9t: b\r\n\r\n"), HEAD_ERROR, "no token"},
    {"a folded line first", MESSAGE(OK " A: b\r\n\r\n"), HEAD_ERROR,
     "folded line behind its status"},
    {"a folded line first in a second head",
     MESSAGE("HTTP/1.1 100 \r\nA: b\r\n\r\n" OK " c\r\n\r\n"), HEAD_ERROR, "folded line"},
    {"a length with a sign", MESSAGE(OK "Content-Length: +5\r\n\r\nhello"), HEAD_ERROR,
     "not a number"},
    {"a length below zero", MESSAGE(OK "Content-Length: -5\r\n\r\nhello"), HEAD_ERROR,
     "not a number"},
    {"no length", MESSAGE(OK "Content-Length:\r\n\r\nhello"), HEAD_ERROR, "not a number"},
    {"an open list of lengths", MESSAGE(OK "Content-Length: 5,\r\n\r\nhello"), HEAD_ERROR,
     "not a number"},
    {"a hexadecimal length", MESSAGE(OK "Content-Length: 0x5\r\n\r\nhello"), HEAD_ERROR,
     "not a number"},
    {"a folded length", MESSAGE(OK "Content-Length: 1\r\n 0\r\n\r\nhellohello"), HEAD_ERROR,
     "not a number"},
    {"a length over 63 bits", MESSAGE(OK "Content-Length: 9223372036854775808\r\n\r\n"), HEAD_ERROR,
     "not a number"},
    {"a length over 64 bits", MESSAGE(OK "Content-Length: 18446744073709551621\r\n\r\nhello"),
     HEAD_ERROR, "not a number"},
    {"different lengths in a list", MESSAGE(OK "Content-Length: 5, 6\r\n\r\nhello"), HEAD_ERROR,
     "different numbers"},
    {"different lengths in two fields",
     MESSAGE(OK "Content-Length: 5\r\nA: b\r\nContent-Length: 0\r\n\r\nhello"), HEAD_ERROR,
     "different numbers"},
    {"length and coding", MESSAGE(OK "Content-Length: 5\r\n" TE "\r\n0\r\n\r\n"), HEAD_ERROR,
     "together"},
    {"coding and length", MESSAGE(OK TE "Content-Length: 5\r\n\r\n0\r\n\r\n"), HEAD_ERROR,
     "together"},
    {"gzip as a transfer coding", MESSAGE(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
     HEAD_ERROR, "Transfer-Encoding that is not chunked"},
    {"chunked in the middle", MESSAGE(OK "Transfer-Encoding: chunked, gzip\r\n\r\n"), HEAD_ERROR,
     "not chunked"},
    {"identity", MESSAGE(OK "Transfer-Encoding: identity\r\n\r\n"), HEAD_ERROR, "not chunked"},
    {"chunked with a vertical tab",
     MESSAGE(OK "Transfer-Encoding: \x0b"
                "chunked\r\n\r\n0\r\n\r\n"),
     HEAD_ERROR, "not chunked"},
    {"no coding", MESSAGE(OK "Transfer-Encoding:\r\n\r\n"), HEAD_ERROR, "not chunked"},
    {"chunked twice in a list", MESSAGE(OK "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
     HEAD_ERROR, "once"},
    {"chunked twice", MESSAGE(OK TE TE "\r\n0\r\n\r\n"), HEAD_ERROR, "once"},
    {"coding in HTTP/1.0", MESSAGE("HTTP/1.0 200 OK\r\n" TE "\r\n0\r\n\r\n"), HEAD_ERROR,
     "HTTP/1.0"},
    {"bad framing of an interim answer",
     MESSAGE("HTTP/1.1 100 \r\nContent-Length: x\r\n\r\n" OK "\r\n"), HEAD_ERROR, "not a number"},
    {"a short body", MESSAGE(OK "Content-Length: 5\r\n\r\nhell"), BODY_ERROR,
     "after 4 of the 5 bytes"},
    {"no last chunk", MESSAGE(OK_TE "5\r\nhello\r\n"), BODY_ERROR,
     "after 5 bytes of a chunked body, with 0"},
    {"half a chunk", MESSAGE(OK_TE "5\r\nhel"), BODY_ERROR,
     "after 3 bytes of a chunked body, with 2"},
    {"no chunk", MESSAGE(OK_TE), BODY_ERROR, "after 0 bytes"},
    {"half a chunk's end", MESSAGE(OK_TE "1\r\nx\r"), BODY_ERROR, "after 1 bytes"},
    {"half a size", MESSAGE(OK_TE "5"), BODY_ERROR, "closed the connection"},
    {"no empty line at the end", MESSAGE(OK_TE "0\r\n"), BODY_ERROR, "closed the connection"},
    {"half an empty line", MESSAGE(OK_TE "0\r\n\r"), BODY_ERROR, "closed the connection"},
    {"a size of no digits", MESSAGE(OK_TE "\r\nhello\r\n0\r\n\r\n"), BODY_ERROR, "no hexadecimal"},
    {"a size with a sign", MESSAGE(OK_TE "-5\r\nhello\r\n0\r\n\r\n"), BODY_ERROR, "no hexadecimal"},
    {"a size with 0x", MESSAGE(OK_TE "0x5\r\nhello\r\n0\r\n\r\n"), BODY_ERROR,
     "other bytes behind"},
    {"a space in front of a size", MESSAGE(OK_TE " 5\r\nhello\r\n0\r\n\r\n"), BODY_ERROR,
     "no hexadecimal"},
    {"a size over 63 bits", MESSAGE(OK_TE "8000000000000000\r\nhello"), BODY_ERROR, "larger than"},
    {"a size over 64 bits", MESSAGE(OK_TE "10000000000000005\r\nhello\r\n0\r\n\r\n"), BODY_ERROR,
     "larger than"},
    {"a size of 17 digits", MESSAGE(OK_TE "00000000000000005\r\nhello\r\n0\r\n\r\n"), BODY_ERROR,
     "larger than"},
    {"a size line with bare LF", MESSAGE(OK_TE "5\nhello\r\n0\r\n\r\n"), BODY_ERROR,
     "not end in CRLF"},
    {"CR in an extension", MESSAGE(OK_TE "5;a\rb\r\nhello\r\n0\r\n\r\n"), BODY_ERROR,
     "not end in CRLF"},
    {"no CRLF behind a chunk", MESSAGE(OK_TE "5\r\nhello0\r\n\r\n"), BODY_ERROR,
     "does not end where"},
    {"bare LF behind a chunk", MESSAGE(OK_TE "5\r\nhello\n0\r\n\r\n"), BODY_ERROR,
     "does not end where"},
    {"CR CR behind a chunk", MESSAGE(OK_TE "5\r\nhello\r\r\n0\r\n\r\n"), BODY_ERROR,
     "does not end where"},
    {"a trailer without colon", MESSAGE(OK_TE "0\r\nsecret\r\n\r\n"), BODY_ERROR,
     "line 1 of the server's trailers has no colon"},
    {"a trailer with NUL", MESSAGE(OK_TE "0\r\nA: b\r\nC: \0\r\n\r\n"), BODY_ERROR,
     "NUL byte in line 2 of its trailers"},
    {"a folded trailer first", MESSAGE(OK_TE "0\r\n A: b\r\n\r\n"), BODY_ERROR,
     "begin with a folded"},
    {"CR in a folded trailer", MESSAGE(OK_TE "0\r\nA: b\r\n c\rd\r\n\r\n"), BODY_ERROR,
     "CR without LF"},
};

enum { GOOD_COUNT = sizeof(good) / sizeof(good[0]), BAD_COUNT = sizeof(bad) / sizeof(bad[0]) };

#endif
