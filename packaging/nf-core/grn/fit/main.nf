process GRN_FIT {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    // The image of packaging/docker. In nf-core/modules the addresses of the published containers stand here.
    container "${ workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container ?
        'docker-daemon://grn:0.1.0' :
        'grn:0.1.0' }"

    input:
    tuple val(meta), path(screen)
    tuple val(meta2), path(priors)

    output:
    tuple val(meta), path("${prefix}"), emit: run
    tuple val(meta), path("${prefix}/manifest.json"), emit: manifest
    tuple val(meta), path("${prefix}/metrics.jsonl"), emit: metrics
    tuple val(meta), path("${prefix}/log.txt"), emit: log
    tuple val("${task.process}"), val('grn'), eval("grn --version | sed 's/grn //'"), topic: versions, emit: versions_grn

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prior_args = [priors].flatten().collect { prior -> "--prior ${prior}" }.join(' ')
    def memory = task.memory ? "--memory ${task.memory.toMega()}M" : ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    grn fit \\
        ${screen} \\
        ${prior_args} \\
        --threads ${task.cpus} \\
        ${memory} \\
        --no-config \\
        ${args} \\
        --outdir ${prefix}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}
    touch ${prefix}/manifest.json ${prefix}/metrics.jsonl ${prefix}/log.txt
    """
}
