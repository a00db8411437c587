// First and second moments (2 x n) from a gradient times `scale`. Element: n.
extern "C" __global__ void adam_moments(float *moments, const float *grad, Count n, float b1, float b2, float scale) {
    Count i = element();
    if (i >= n) return;
    float g = grad[i] * scale;
    moments[i] = b1 * moments[i] + (1.0f - b1) * g;
    moments[n + i] = b2 * moments[n + i] + (1.0f - b2) * g * g;
}

// Weights from moments. Element: n.
extern "C" __global__ void adam_weights(float *weights, const float *moments, Count n, float rate, float root,
                                        float epsilon, float keep) {
    Count i = element();
    if (i >= n) return;
    weights[i] = keep * weights[i] - rate * moments[i] / (sqrtf(moments[n + i]) / root + epsilon);
}
