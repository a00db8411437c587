// Row k of a block of genes is the pair of gene first + k / n and perturbation k % n. `genes` holds b and v of each gene
// (H and 2H values), `perturbations` holds z (H values each).

// a = relu(norm(b + z)), with a 1 behind it that multiplies the bias: pairs x (H + 1). Row.
extern "C" __global__ void decoder_hidden(const float *genes, const float *perturbations, float *a, Count first, Count n,
                                          Count hidden, Count norms) {
    const float *b = genes + (first + blockIdx.x / n) * 3 * hidden, *z = perturbations + blockIdx.x % n * hidden;
    a += blockIdx.x * (hidden + 1);
    float squares = 0.0f;
    for (Count c = threadIdx.x; c < hidden; c += 32) squares += (b[c] + z[c]) * (b[c] + z[c]);
    squares = sum_of_threads(squares);
    float scale = norms ? inverse_rms(squares, hidden) : 1.0f;
    for (Count c = threadIdx.x; c < hidden; c += 32) {
        float x = (b[c] + z[c]) * scale;
        a[c] = x > 0.0f ? x : 0.0f;
    }
    if (threadIdx.x == 0) a[hidden] = 1.0f;
}

// out = relu(norm(u)) . v, u: pairs x 2H. Row.
extern "C" __global__ void decoder_output(const float *genes, const float *u, float *out, Count first, Count n,
                                          Count hidden, Count norms) {
    const float *own = genes + (first + blockIdx.x / n) * 3 * hidden + hidden;
    u += blockIdx.x * 2 * hidden;
    float squares = 0.0f, sum = 0.0f;
    for (Count c = threadIdx.x; c < 2 * hidden; c += 32) {
        squares += u[c] * u[c];
        sum += (u[c] > 0.0f ? u[c] : 0.0f) * own[c];
    }
    squares = sum_of_threads(squares);
    sum = sum_of_threads(sum);
    float scale = norms ? inverse_rms(squares, 2 * hidden) : 1.0f;
    if (threadIdx.x == 0) out[first * n + blockIdx.x] = scale * sum;
}

// The gradient of u (pairs x 2H), and per pair the gradient of relu(u) . v. With m = s u and y = relu(m) . v:
// dm = g v where u > 0, du = s (dm - m mean(dm m)), and the sum of dm m is g y. Row.
extern "C" __global__ void decoder_output_slope(const float *genes, const float *u, const float *grad, float *du,
                                                float *slope, Count first, Count n, Count hidden, Count norms) {
    const float *own = genes + (first + blockIdx.x / n) * 3 * hidden + hidden;
    u += blockIdx.x * 2 * hidden;
    du += blockIdx.x * 2 * hidden;
    float squares = 0.0f, sum = 0.0f, g = grad[first * n + blockIdx.x];
    for (Count c = threadIdx.x; c < 2 * hidden; c += 32) {
        squares += u[c] * u[c];
        sum += (u[c] > 0.0f ? u[c] : 0.0f) * own[c];
    }
    squares = sum_of_threads(squares);
    sum = sum_of_threads(sum);
    float scale = norms ? inverse_rms(squares, 2 * hidden) : 1.0f;
    float along = norms ? scale * scale * scale * g * sum / (float)(2 * hidden) : 0.0f;
    for (Count c = threadIdx.x; c < 2 * hidden; c += 32)
        du[c] = (u[c] > 0.0f ? g * scale * own[c] : 0.0f) - u[c] * along;
    if (threadIdx.x == 0) slope[blockIdx.x] = g * scale;
}

// The gradient of v, over the perturbations. Element: genes of the block x 2H.
extern "C" __global__ void decoder_own_slope(const float *u, const float *slope, float *dgenes, Count first,
                                             Count n_genes, Count n, Count hidden) {
    Count i = element();
    if (i >= n_genes * 2 * hidden) return;
    Count gene = i / (2 * hidden), c = i % (2 * hidden);
    float sum = 0.0f;
    for (Count row = gene * n; row < (gene + 1) * n; row++) {
        float x = u[row * 2 * hidden + c];
        sum += x > 0.0f ? slope[row] * x : 0.0f;
    }
    dgenes[(first + gene) * 3 * hidden + hidden + c] = sum;
}

// The gradient of b + z in place of that of a (pairs x H): with x = s (b + z), dx = da where x > 0 and
// d(b + z) = s (dx - x mean(dx x)). Row.
extern "C" __global__ void decoder_hidden_slope(const float *genes, const float *perturbations, float *da, Count first,
                                                Count n, Count hidden, Count norms) {
    const float *b = genes + (first + blockIdx.x / n) * 3 * hidden, *z = perturbations + blockIdx.x % n * hidden;
    da += blockIdx.x * hidden;
    float squares = 0.0f, product = 0.0f;
    for (Count c = threadIdx.x; c < hidden; c += 32) {
        float x = b[c] + z[c];
        squares += x * x;
        product += x > 0.0f ? x * da[c] : 0.0f;
    }
    squares = sum_of_threads(squares);
    product = sum_of_threads(product);
    float scale = norms ? inverse_rms(squares, hidden) : 1.0f;
    float along = norms ? scale * scale * scale * product / (float)hidden : 0.0f;
    for (Count c = threadIdx.x; c < hidden; c += 32) {
        float x = b[c] + z[c];
        da[c] = (x > 0.0f ? scale * da[c] : 0.0f) - x * along;
    }
}

// The gradient of b, over the perturbations. Element: genes of the block x H.
extern "C" __global__ void decoder_base_slope(const float *dx, float *dgenes, Count first, Count n_genes, Count n,
                                              Count hidden) {
    Count i = element();
    if (i >= n_genes * hidden) return;
    Count gene = i / hidden, c = i % hidden;
    float sum = 0.0f;
    for (Count row = gene * n; row < (gene + 1) * n; row++) sum += dx[row * hidden + c];
    dgenes[(first + gene) * 3 * hidden + c] = sum;
}

// What the genes of the block add to the gradient of z. Element: n x H.
extern "C" __global__ void decoder_perturbation_slope(const float *dx, float *dz, Count n_genes, Count n,
                                                      Count hidden) {
    Count i = element();
    if (i >= n * hidden) return;
    float sum = 0.0f;
    for (Count gene = 0; gene < n_genes; gene++) sum += dx[gene * n * hidden + i];
    dz[i] += sum;
}
