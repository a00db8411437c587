process GRN_RANK {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    // The image of packaging/docker. In nf-core/modules the addresses of the published containers stand here.
    container "${ workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container ?
        'docker-daemon://grn:0.1.0' :
        'grn:0.1.0' }"

    input:
    tuple val(meta), path(run)
    tuple val(meta2), path(signature), path(treated)

    output:
    tuple val(meta), path("${prefix}.tsv"), emit: ranking
    tuple val(meta), path("${prefix}.why.json"), emit: why, optional: true
    tuple val("${task.process}"), val('grn'), eval("grn --version | sed 's/grn //'"), topic: versions, emit: versions_grn

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    if (!signature == !treated) {
        error("Give either a signature or treated cells, and [] for the other")
    }
    def query = treated ? "--treated ${treated}" : "--signature ${signature}"
    prefix = task.ext.prefix ?: "${meta.id}_ranking"
    """
    grn rank \\
        --run ${run} \\
        ${query} \\
        --threads ${task.cpus} \\
        --no-config \\
        ${args} \\
        -o ${prefix}.tsv
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_ranking"
    """
    touch ${prefix}.tsv ${prefix}.why.json
    """
}
