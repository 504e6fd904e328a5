#include "net/decode.h"

#include "core/alloc.h"

enum { STAGE_BUFFER = 16 * 1024, OUTPUT_STEP = 32 * 1024 };

struct stage {
    const struct ak_coding *coding;
    void *state;
    char *buffer;        /* what the stage before has made; NULL for the first */
    struct ak_str input; /* what is left of it */
    enum ak_coding_state progress;
    bool filled; /* the last output filled its room: more may be inside */
};

struct ak_decoder {
    struct stage stages[AK_DECODE_MAX_CODINGS]; /* the first undoes the last coding applied */
    size_t count;
    bool started;     /* a byte has come in */
    bool has_more;    /* the last call ended before what is inside did */
    size_t work_done; /* bytes in and out in the present call */
};

static enum ak_status
add_stage(struct ak_decoder *decoder, const struct ak_coding *coding, struct ak_err *err)
{
    struct stage *stage = &decoder->stages[decoder->count];
    stage->coding = coding;
    stage->state = coding->open();
    if (stage->state == NULL) {
        return ak_fail_no_memory(err);
    }
    decoder->count++;
    if (decoder->count > 1) {
        stage->buffer = ak_malloc(STAGE_BUFFER);
        if (stage->buffer == NULL) {
            return ak_fail_no_memory(err);
        }
    }
    return AK_OK;
}

/* The label that ends at *END in a comma-separated list; *END moves before it. */
static struct ak_str
previous_label(struct ak_str list, size_t *end)
{
    size_t start = *end;
    while (start > 0 && list.ptr[start - 1] != ',') {
        start--;
    }
    struct ak_str label = ak_str_trim(ak_str_slice(list, start, *end));
    *end = start > 0 ? start - 1 : 0;
    return label;
}

static enum ak_status
add_label(struct ak_decoder *decoder, struct ak_str label, struct ak_err *err)
{
    const struct ak_coding *coding = ak_coding_find(label);
    if (coding == NULL) {
        return ak_coding_is_registered(label)
                   ? ak_fail(err, AK_BAD_CODING,
                             "the body has Content-Encoding %.*s, which cannot be undone here: ask "
                             "for %s",
                             (int)label.len, label.ptr, ak_coding_accepted())
                   : AK_OK;
    }
    if (decoder->count == AK_DECODE_MAX_CODINGS) {
        return ak_fail(err, AK_BAD_CODING, "the body has more than %d content codings",
                       AK_DECODE_MAX_CODINGS);
    }
    return add_stage(decoder, coding, err);
}

enum ak_status
ak_decoder_new(struct ak_decoder **decoder, struct ak_str content_encoding, struct ak_err *err)
{
    *decoder = NULL;
    struct ak_decoder *made = ak_calloc(1, sizeof(*made));
    if (made == NULL) {
        return ak_fail_no_memory(err);
    }
    enum ak_status status = AK_OK;
    size_t end = content_encoding.len;
    while (status == AK_OK && end > 0) {
        status = add_label(made, previous_label(content_encoding, &end), err);
    }
    if (status != AK_OK || made->count == 0) {
        ak_decoder_free(made);
        return status;
    }
    *decoder = made;
    return AK_OK;
}

void
ak_decoder_free(struct ak_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    for (size_t i = 0; i < decoder->count; i++) {
        decoder->stages[i].coding->close(decoder->stages[i].state);
        ak_free(decoder->stages[i].buffer);
    }
    ak_free(decoder);
}

static enum ak_status
fail_stage(const struct stage *stage, const char *what, struct ak_err *err)
{
    return ak_fail(err, AK_BAD_CODING, "the body has Content-Encoding %s and %s",
                   stage->coding->name, what);
}

/* Run the stage on the input it has; *made is what came out. */
static enum ak_status
run_stage(struct ak_decoder *decoder, struct stage *stage, char *out, size_t size, size_t *made,
          struct ak_err *err)
{
    if (stage->progress == AK_CODING_ENDED && stage->coding->repeats == AK_CODING_ONCE) {
        return fail_stage(stage, "bytes behind its end", err);
    }
    size_t before = stage->input.len;
    stage->progress = stage->coding->run(stage->state, &stage->input, out, size, made);
    stage->filled = *made == size;
    decoder->work_done += *made + (before - stage->input.len);
    if (stage->progress == AK_CODING_NO_MEMORY) {
        return ak_fail_no_memory(err);
    }
    bool stuck = *made == 0 && before > 0 && stage->input.len == before;
    if (stage->progress == AK_CODING_BROKEN || stuck) {
        return fail_stage(stage, "is corrupt", err);
    }
    return AK_OK;
}

/* Behind a complete stream zeros are padding. */
static void
skip_padding(struct stage *stage)
{
    while (stage->progress == AK_CODING_ENDED && stage->input.len > 0 &&
           stage->input.ptr[0] == '\0') {
        stage->input = ak_str_slice(stage->input, 1, stage->input.len);
    }
}

/* Make stage INDEX give bytes; *made is 0 when it needs input that is not
 * there yet, or when enough work was done. */
static enum ak_status
pull(struct ak_decoder *decoder, size_t index, char *out, size_t size, size_t *made,
     struct ak_err *err)
{
    struct stage *stage = &decoder->stages[index];
    *made = 0;
    for (;;) {
        if (decoder->work_done >= AK_DECODE_MAX_WORK) {
            decoder->has_more = true;
            return AK_OK;
        }
        skip_padding(stage);
        /* Never for nothing: libzstd counts such calls and calls it an error. */
        if (stage->input.len > 0 || (stage->filled && stage->progress == AK_CODING_OPEN)) {
            enum ak_status status = run_stage(decoder, stage, out, size, made, err);
            if (status != AK_OK || *made > 0) {
                return status;
            }
        }
        if (stage->input.len > 0) {
            continue;
        }
        size_t refill = 0;
        if (index > 0) {
            enum ak_status status =
                pull(decoder, index - 1, stage->buffer, STAGE_BUFFER, &refill, err);
            if (status != AK_OK) {
                return status;
            }
        }
        if (refill == 0) {
            return AK_OK;
        }
        stage->input = ak_str_of(stage->buffer, refill);
    }
}

/* Room in OUT for the next piece.  At the cap one byte is asked for in SPARE:
 * if it is filled, the body is over the cap. */
static enum ak_status
make_room(struct ak_buf *out, size_t want, char *spare, char **room, size_t *size)
{
    size_t most = out->max - out->len;
    size_t step = want - out->len < OUTPUT_STEP ? want - out->len : OUTPUT_STEP;
    *size = step < most ? step : most;
    if (*size == 0) {
        *room = spare;
        *size = 1;
        return AK_OK;
    }
    enum ak_status status = ak_buf_reserve(out, *size);
    *room = status == AK_OK ? out->data + out->len : NULL;
    return status;
}

enum ak_status
ak_decoder_feed(struct ak_decoder *decoder, struct ak_str *input, struct ak_buf *out, size_t want,
                struct ak_err *err)
{
    decoder->started = decoder->started || input->len > 0;
    decoder->stages[0].input = *input;
    decoder->has_more = false;
    decoder->work_done = 0;
    enum ak_status status = AK_OK;
    while (status == AK_OK && out->len < want) {
        char spare, *room;
        size_t size, made;
        if (make_room(out, want, &spare, &room, &size) != AK_OK) {
            status = ak_fail_no_memory(err);
            break;
        }
        status = pull(decoder, decoder->count - 1, room, size, &made, err);
        if (status == AK_OK && made > 0 && room == &spare) {
            status = ak_fail(err, AK_TOO_LARGE,
                             "the decoded body is over max_body (%zu bytes): raise max_body or use "
                             "stream=True",
                             out->max);
        } else if (status == AK_OK) {
            out->len += made;
        }
        if (made == 0) {
            break;
        }
    }
    decoder->has_more = decoder->has_more || out->len >= want;
    *input = decoder->stages[0].input;
    return status;
}

bool
ak_decoder_has_more(const struct ak_decoder *decoder)
{
    return decoder->has_more;
}

enum ak_status
ak_decoder_finish(struct ak_decoder *decoder, struct ak_err *err)
{
    for (size_t i = 0; decoder->started && i < decoder->count; i++) {
        if (decoder->stages[i].progress != AK_CODING_ENDED) {
            return fail_stage(&decoder->stages[i], "ends early", err);
        }
    }
    return AK_OK;
}
