graph [
  node [ id 0 label "oslo" ]
  node [ id 1 label "turin" ]
  node [ id 2 label "rome" ]
  edge [ source 0 target 1 ]
  edge [ source 1 target 2 latency "{lognormal: {mean: 3ms, cv: 0.5}}" ]
]
