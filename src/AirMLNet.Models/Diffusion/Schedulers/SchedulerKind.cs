namespace AirMLNet.Diffusion;

/// <summary>A way through the noise schedule, by the name of its diffusers class.</summary>
public enum SchedulerKind
{
    /// <summary>DDPMScheduler: ancestral sampling (Ho et al. 2020), and the noise of training.</summary>
    Ddpm,

    /// <summary>DDIMScheduler (Song et al. 2021): deterministic unless η is above 0.</summary>
    Ddim,

    /// <summary>PNDMScheduler (Liu et al. 2022), its linear multistep part: Stable Diffusion v1's own.</summary>
    Pndm,

    /// <summary>DPMSolverMultistepScheduler: DPM-Solver++(2M) (Lu et al. 2022).</summary>
    DpmSolverMultistep,

    /// <summary>EulerDiscreteScheduler (Karras et al. 2022, Algorithm 2 without churn).</summary>
    EulerDiscrete,
}
